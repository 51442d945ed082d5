// The strip's axis: where a position lies, in moments, in real time or on the kernel's clock; and what part is shown.

const CLOSEST = 8; // moments that are shown at least

export class Axis {
  constructor(recording) {
    this.recording = recording;
    this.kind = "event";
    this.whole();
  }

  /** Where a position is, in the axis' own unit. */
  value(position) {
    if (this.kind === "event" || !this.recording.count) return position;
    const times = this.kind === "real" ? this.recording.time : this.recording.clock;
    return times[Math.min(Math.max(position - 1, 0), this.recording.count - 1)];
  }

  get ends() {
    return [this.value(0), Math.max(this.value(this.recording.count), this.value(0) + 1)];
  }

  choose(kind) {
    this.kind = kind;
    this.whole();
  }

  whole() {
    [this.from, this.to] = this.ends;
  }

  /** From 0 to 1, where it is shown. */
  share(value) {
    return (value - this.from) / (this.to - this.from);
  }

  /** The last position at a share of the width. */
  positionAt(share) {
    const value = this.from + share * (this.to - this.from);
    if (this.kind === "event") return Math.max(0, Math.min(this.recording.count, Math.round(value)));
    return nearest(value, this.recording.count, (position) => this.value(position));
  }

  /** Show more or less: below 1 is closer. What is at `share` stays there. */
  zoom(factor, share) {
    const [first, last] = this.ends;
    const smallest = this.kind === "event" ? Math.min(CLOSEST, last - first) : Math.min(1000, last - first);
    const width = Math.max(smallest, Math.min(last - first, (this.to - this.from) * factor));
    const fixed = this.from + share * (this.to - this.from);
    this.#show(fixed - share * width, width);
  }

  /** Move what is shown by a share of its width. */
  pan(share) {
    const width = this.to - this.from;
    this.#show(this.from + share * width, width);
  }

  /** See that a position is shown. */
  reach(position) {
    const share = this.share(this.value(position));
    if (share < 0.02 || share > 0.98) this.pan(share - 0.5);
  }

  #show(from, width) {
    const [first, last] = this.ends;
    this.from = Math.max(first, Math.min(last - width, from));
    this.to = this.from + width;
  }
}

/** The position whose value is nearest to the one that is wanted; values do not fall. */
function nearest(wanted, count, value) {
  let low = 0,
    high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (value(middle) < wanted) low = middle + 1;
    else high = middle;
  }
  return low > 0 && wanted - value(low - 1) < value(low) - wanted ? low - 1 : low;
}

/** Round numbers between `from` and `to`, `most` at most. */
export function ticks(from, to, most) {
  const rough = (to - from) / Math.max(1, most);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((times) => times * power).find((one) => one >= rough);
  const found = [];
  for (let at = Math.ceil(from / step) * step; at <= to; at += step) found.push(at);
  return found;
}
