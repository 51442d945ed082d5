// The header: what was recorded, and what the reader has to know of the recording.

import { $, element, fill, setText } from "./dom.mjs";
import { SPEEDS } from "./player.mjs";
import { plural } from "./units.mjs";

export function fillHeader(data) {
  setText($("#title"), data.title);
  const kinds = [...new Set(data.kernels.map((kernel) => kernel.kind))].join(" and ");
  setText(
    $("#subtitle"),
    `${kinds ? `${kinds} program` : "without a kernel"}${data.python ? `, Python ${data.python}` : ""}`,
  );
  const said = [];
  if (data.damage) said.push(`The recording is damaged: ${data.damage}.`);
  if (!data.data) said.push("Recorded without data: values and arguments are left out.");
  const shown = data.moments.kind.length;
  if (shown < data.total) {
    said.push(
      `The recording has ${plural(data.total, "moment")}. This page shows the first ${shown.toLocaleString("en")}:`,
    );
    said.push("record a shorter part of the program to see the rest.");
  }
  setText($("#notice"), said.join(" "));
  $("#notice").hidden = !said.length;
  $("#kernels").hidden = data.kernels.length < 2;
  fill(
    $("#kernel"),
    data.kernels.map(({ kernel, kind }) => element("option", { value: kernel }, `${kernel} (${kind})`)),
  );
  fill(
    $("#speed"),
    SPEEDS.map((speed) => element("option", { value: speed }, `${speed} / s`)),
  );
  $("#speed").value = "1";
}
