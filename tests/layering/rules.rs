//! The rules of the structure, as tables.

/// Names, and the names that each may import.
pub type Below = &'static [(&'static str, &'static [&'static str])];

/// Each room of `src`, and the rooms that it may import besides itself. A room that is missing here is an error.
pub const ROOMS: Below = &[
    ("error", &[]),
    ("work", &["error"]),
    ("options", &["error", "work"]),
    ("document", &["error", "work"]),
    ("query", &["error", "work", "document"]),
    ("index", &["error", "work", "document"]),
    ("storage", &["error", "work", "options"]),
    ("engine", &["error", "work", "options", "document", "query", "index", "storage"]),
    ("binding", &["error", "work", "options", "document", "query", "index", "storage", "engine"]),
];

/// Folders of one room, and the folders of the same room that each may import.
///
/// A rule applies as soon as the folder exists; files directly in the room are not checked until they move into a folder. A
/// folder with a `mod.rs` that is missing here is an error.
pub const FOLDERS: &[(&str, Below)] =
    &[("document", DOCUMENT), ("query", QUERY), ("engine", ENGINE), ("storage", STORAGE)];

const DOCUMENT: Below = &[
    ("collation", &[]),
    ("shapes", &[]),
    ("encoding", &["shapes", "check"]),
    ("check", &["shapes", "encoding"]),
    ("boundary", &["shapes", "encoding", "check"]),
];

const QUERY: Below = &[
    ("spill", &[]),
    ("date", &[]),
    ("pattern", &[]),
    ("schema", &["pattern"]),
    ("expression", &["date", "pattern", "spill"]),
    ("filter", &["pattern", "schema", "expression"]),
    ("violation", &["pattern", "schema", "filter"]),
    ("projection", &["expression", "filter"]),
    ("sort", &["expression", "spill"]),
    ("aggregate", &["sort", "expression", "filter", "spill"]),
    ("update", &["pattern", "expression", "filter", "aggregate"]),
];

const ENGINE: Below = &[
    ("exec", &[]),
    ("format", &[]),
    ("state", &["exec", "format"]),
    ("store", &["exec", "format", "state"]),
    ("operation", &["exec", "format", "state"]),
    ("plan", &["exec", "format", "state", "operation"]),
    ("read", &["exec", "format", "state", "store", "operation", "plan"]),
    ("commit", &["exec", "format", "state", "store"]),
    ("index_build", WRITERS),
    ("write", WRITERS),
    ("aggregate", WRITERS),
    ("explain", &["exec", "format", "state", "store", "operation", "plan", "read"]),
    ("recovery", &["exec", "format", "state", "store", "operation", "read", "index_build"]),
    ("maintenance", &["exec", "format", "state", "store", "read", "index_build"]),
    ("expiry", &["exec", "format", "state", "store", "read", "commit", "index_build", "maintenance"]),
    (
        "transaction",
        &["exec", "format", "state", "store", "operation", "plan", "read", "commit", "index_build", "write"],
    ),
    ("restore", &["exec", "format", "state", "store", "operation", "commit"]),
    ("changes", &["exec", "format", "state", "store", "operation"]),
    ("live", &["exec", "format", "state", "store", "operation", "plan", "read", "changes"]),
    ("session", BELOW_SESSION),
    ("transfer", &["exec", "format", "state", "store", "operation", "read", "session"]),
    ("database", ALL),
];

const WRITERS: &[&str] = &["exec", "format", "state", "store", "operation", "plan", "read", "commit"];

/// All but the last two.
const BELOW_SESSION: &[&str] = ALL.split_at(ALL.len() - 2).0;

const ALL: &[&str] = &[
    "exec",
    "format",
    "state",
    "store",
    "operation",
    "plan",
    "read",
    "commit",
    "index_build",
    "write",
    "aggregate",
    "explain",
    "recovery",
    "maintenance",
    "expiry",
    "transaction",
    "restore",
    "changes",
    "live",
    "session",
    "transfer",
];

const STORAGE: Below = &[
    ("pages", &[]),
    ("cipher", &[]),
    ("contract", &["pages"]),
    ("host", &["contract", "cipher"]),
    ("format", &["host", "contract", "cipher", "pages"]),
    ("spill", &["host", "contract", "cipher", "format", "pages"]),
    ("log", &["host", "contract", "cipher", "format", "pages"]),
    ("runs", &["host", "contract", "cipher", "format", "pages"]),
    ("generation", &["host", "contract", "cipher", "format", "log", "pages", "runs"]),
    ("reseal", &["host", "contract", "format", "log", "generation"]),
    ("backends", &["host", "contract", "cipher", "format", "pages", "spill", "log", "generation"]),
    (
        "open",
        &[
            "host",
            "contract",
            "cipher",
            "format",
            "pages",
            "spill",
            "log",
            "runs",
            "generation",
            "reseal",
            "backends",
        ],
    ),
];

/// Paths that only these files or folders may name.
pub const CONFINED: Below = &[
    ("napi", &["binding/"]),
    ("napi_derive", &["binding/"]),
    ("std::fs", &["storage/host/real_vfs.rs"]),
    ("std::time::SystemTime", &["storage/host/system.rs"]),
    ("std::time::Instant", &["storage/host/system.rs"]),
    ("getrandom", &["storage/host/system.rs"]),
    ("argon2", &["engine/transfer/molten/cipher.rs", "storage/cipher/key_block.rs"]),
    ("blake2", &["storage/cipher/unit.rs"]),
    ("chacha20", &["storage/cipher/aead.rs"]),
    ("chacha20poly1305", &["engine/transfer/molten/cipher.rs", "storage/cipher/aead.rs"]),
    ("poly1305", &["storage/cipher/aead.rs"]),
    ("icu_collator", &["document/collation/"]),
    ("icu_locale_core", &["document/collation/"]),
    ("jiff", &["query/date/"]),
    ("parking_lot", &["binding/", "document/", "query/", "storage/", "engine/exec/locks.rs"]),
];

pub const LONGEST_FILE: usize = 500;

/// How many files of a room still import each other in circles. May only fall.
pub const CIRCLES: &[(&str, usize)] = &[
    ("error", 0),
    ("document", 0),
    ("query", 0),
    ("index", 0),
    ("storage", 0),
    ("engine", 0),
    ("binding", 0),
];

/// How many `impl T` blocks are outside of the room of `T`: its folder, or its file if the room has no folders. May only
/// fall.
pub const STRAY_IMPLS: &[(&str, usize)] =
    &[("document", 0), ("query", 0), ("storage", 0), ("engine", 0), ("binding", 0)];

/// Folders of `js`, from the bottom up, and the folders that each may import. Types count as imports. A rule applies as soon
/// as the folder exists. Every file may import `errors.ts`.
pub const SCRIPTS: Below = &[
    ("addon", &[]),
    ("ids", &[]),
    ("names", &[]),
    ("paths", &[]),
    ("types", &["ids"]),
    ("values", &["ids", "types"]),
    ("codec", &["ids", "types"]),
    ("transport", &["addon", "ids", "types", "codec"]),
    ("arguments", &["ids", "names", "paths", "types"]),
    ("request", &["ids", "types", "codec", "transport", "arguments"]),
    ("connection", &["ids", "types", "codec", "transport", "arguments", "request"]),
    ("cursor", &["ids", "types", "codec", "transport", "arguments", "request", "connection"]),
    ("molten", &["ids", "types", "arguments"]),
    ("importers", &["ids", "types", "transport", "arguments", "connection"]),
    (
        "api",
        &[
            "ids",
            "paths",
            "types",
            "codec",
            "transport",
            "arguments",
            "request",
            "connection",
            "cursor",
            "molten",
            "importers",
        ],
    ),
    ("mongodb", &["ids", "types", "api"]),
    ("inspector", &["ids", "types", "values", "api"]),
    ("cli", &["ids", "names", "paths", "types", "values", "api"]),
];

/// The scripts directly in `js`.
pub const FLAT_SCRIPTS: &[&str] = &["index.ts", "internal.ts", "errors.ts"];

/// The scripts that no other script may import.
pub const SCRIPT_ENTRIES: &[&str] = &["index.ts", "internal.ts"];

/// Imports that are ignored in circles because they import only types, which do not exist at run time.
pub const TYPE_ONLY: &[(&str, &str)] = &[("api/collection.ts", "api/database.ts")];

/// How many scripts still import each other in circles. May only fall.
pub const SCRIPT_CIRCLES: usize = 0;

/// How many files a folder may hold, without tests and `mod.rs`.
pub const FILES_IN_A_FOLDER: usize = 12;

/// Folders that still hold more, and their maximum. A folder that is split is removed from the list.
pub const LARGER_FOLDERS: &[(&str, usize)] = &[];
