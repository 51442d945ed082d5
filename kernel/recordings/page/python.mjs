// Python source, cut into tokens by what they are, so that it can be shown as editors show it.

const KEYWORDS = new Set(
  (
    "False None True and as assert async await break class continue def del elif else except finally for from " +
    "global if import in is lambda match case nonlocal not or pass raise return try while with yield"
  ).split(" "),
);
const PREFIX = "[rbfuRBFU]{0,2}";
const TOKEN = new RegExp(
  [
    "(#.*)", // a comment
    `(${PREFIX}(?:"""|'''))`, // the beginning of a string that may go on over lines
    String.raw`(${PREFIX}(?:"(?:\\.|[^"\\])*"?|'(?:\\.|[^'\\])*'?))`, // a string
    String.raw`(@?[A-Za-z_]\w*)`, // a name
    String.raw`(\d[\w.]*)`, // a number
    String.raw`(\s+|.)`,
  ].join("|"),
  "g",
);

/** For each line its tokens, as [class, text]; the class is "" for what is shown as it is. */
export function tokens(source) {
  let open = ""; // the quotes of a string that goes on over lines
  return source.split("\n").map((line) => {
    const found = [];
    let rest = 0;
    if (open) {
      const end = line.indexOf(open);
      if (end < 0) return [["string", line]];
      rest = end + 3;
      found.push(["string", line.slice(0, rest)]);
      open = "";
    }
    TOKEN.lastIndex = rest;
    for (let match; TOKEN.lastIndex < line.length && (match = TOKEN.exec(line));) {
      const [text, comment, triple, string, word, number] = match;
      if (triple) {
        const quotes = triple.slice(-3),
          end = line.indexOf(quotes, TOKEN.lastIndex);
        if (end < 0) {
          open = quotes;
          found.push(["string", line.slice(match.index)]);
          break;
        }
        found.push(["string", line.slice(match.index, end + 3)]);
        TOKEN.lastIndex = end + 3;
      } else {
        found.push([
          comment ? "comment" : string ? "string" : number ? "figure" : KEYWORDS.has(word) ? "keyword" : "",
          text,
        ]);
      }
    }
    return found;
  });
}
