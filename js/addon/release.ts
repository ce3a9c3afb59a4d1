// Which release this JavaScript is of. scripts/build-js.mjs puts in what package.json says.

declare const PACKAGE_VERSION: string
declare const PACKAGE_REPOSITORY: string

export const VERSION = PACKAGE_VERSION

/** The repository on the web. */
export const REPOSITORY = PACKAGE_REPOSITORY
