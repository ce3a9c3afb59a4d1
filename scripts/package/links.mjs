// Links of the Markdown files that are published: on the page of a package there is no docs/ beside them.

/** Gives each relative link the address of the file at this version's tag. */
export function withAbsoluteLinks(text, { homepage, version }) {
  return text.replaceAll(/\]\((?![a-z]+:|#|\/\/)(?:\.\/)?([^)\s]+)\)/g, (_, path) => {
    const kind = path.split('#', 1)[0].endsWith('/') ? 'tree' : 'blob'
    return `](${homepage}/${kind}/v${version}/${path})`
  })
}
