/**
 * The colours of the picture. The colour of a box is never its only sign: each box says in words what it is.
 */
export const MAP_STYLE_LIGHT = `
text { font: 12px ui-monospace, Menlo, Consolas, monospace; fill: #1b1f24 }
.paper { fill: #ffffff }
.title { font-size: 16px; font-weight: bold }
.column { font-weight: bold }
.subtitle, .size { fill: #57606a; font-size: 11px }
.address { font-size: 12px }
.border { stroke: #c9ced6; stroke-width: 1; stroke-dasharray: 2 3 }
g rect { stroke: #57606a; stroke-width: 1; fill: #eef1f4 }
.bar rect { fill: #dfe7f5 } .table rect { fill: #f7c6a3 } .pba rect { fill: #f6e3a8 }
.mmap rect { fill: #d5ecec } .direct rect { fill: #bfe5c4 } .trapped rect { fill: #f9d9b8 } .mapped rect { fill: #bcdcf5 }
.refused rect { fill: #f8c1bf; stroke: #b3261e } .skipped rect { fill: #e3e5e8 }
.page rect { fill: #f6f8fa } .split-page rect { fill: #fbe3ee; stroke: #a3376f }
.ram rect { fill: #e2f1e4 } .limit rect { fill: #e6e0f5 }
.mark-wrong rect { fill: none; stroke: #c4161c; stroke-width: 3 } .mark-wrong line { stroke: #c4161c; stroke-width: 3 }
.mark-wrong text { fill: #a40e13; font-weight: bold }
.mark-note rect { fill: none; stroke: #9a5b00; stroke-width: 2; stroke-dasharray: 6 3 } .mark-note line { stroke: #9a5b00; stroke-width: 2 }
.mark-note text { fill: #7a4700 }`;

/** What differs on dark pages. */
export const MAP_STYLE_DARK = `
text { fill: #e6edf3 } .paper { fill: #0d1117 } .subtitle, .size { fill: #9aa4b0 } .border { stroke: #3a424d }
g rect { stroke: #9aa4b0; fill: #21262d }
.bar rect { fill: #24344f } .table rect { fill: #7a3d12 } .pba rect { fill: #62500f }
.mmap rect { fill: #14444a } .direct rect { fill: #1d4d27 } .trapped rect { fill: #6b4215 } .mapped rect { fill: #164a6e }
.refused rect { fill: #6e1b1a; stroke: #ff8a80 } .skipped rect { fill: #30363d }
.page rect { fill: #161b22 } .split-page rect { fill: #4d1f38; stroke: #ff9ecb }
.ram rect { fill: #1b3a22 } .limit rect { fill: #372d5c }
.mark-wrong rect, .mark-note rect { fill: none }
.mark-wrong rect, .mark-wrong line { stroke: #ff6b66 } .mark-wrong text { fill: #ff9c97 }
.mark-note rect, .mark-note line { stroke: #e3a857 } .mark-note text { fill: #f0c584 }`;

/** Both, for a picture of its own: pages that prefer dark colours get them. */
export const MAP_STYLE = `${MAP_STYLE_LIGHT}
@media (prefers-color-scheme: dark) {${MAP_STYLE_DARK}
}`;
