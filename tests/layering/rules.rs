//! The rules of the tree, as tables.

/// Names, and the names that each may import.
pub type Below = &'static [(&'static str, &'static [&'static str])];

/// Each room of `src` and the rooms it may name besides itself. A room that is not here may not exist.
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

/// Folders of one room and the folders of the same room that each may name.
///
/// A rule holds as soon as the folder exists; files that stand directly in the room are free until they move into a folder.
/// A folder with a `mod.rs` that is not here may not exist.
pub const FOLDERS: &[(&str, Below)] = &[("engine", ENGINE), ("storage", STORAGE)];

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
    ("transaction", &["exec", "format", "state", "store", "read", "commit"]),
    ("changes", &["exec", "format", "state", "store"]),
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
    "transaction",
    "changes",
    "session",
    "transfer",
];

const STORAGE: Below = &[
    ("host", &["contract"]),
    ("contract", &[]),
    ("format", &["host", "contract"]),
    ("log", &["host", "contract", "format"]),
    ("generation", &["host", "contract", "format", "log"]),
    ("backends", &["host", "contract", "format", "log", "generation"]),
    ("open", &["host", "contract", "format", "log", "generation", "backends"]),
];

/// Paths that are named in these files or folders only.
pub const CONFINED: Below = &[
    ("napi", &["binding/"]),
    ("napi_derive", &["binding/"]),
    ("std::fs", &["storage/host/real_vfs.rs"]),
    ("std::time::SystemTime", &["storage/host/system.rs"]),
    ("std::time::Instant", &["storage/host/system.rs"]),
    ("getrandom", &["storage/host/system.rs"]),
    ("jiff", &["query/date/"]),
];

pub const LONGEST_FILE: usize = 600;

/// How many files of a room still import each other in circles. It only falls.
pub const CIRCLES: &[(&str, usize)] = &[
    ("error", 3),
    ("document", 0),
    ("query", 35),
    ("index", 0),
    ("storage", 2),
    ("engine", 0),
    ("binding", 0),
];

/// How many `impl T` blocks stand outside of the room of `T`: its folder, or its file where the room is still flat.
/// It only falls.
pub const STRAY_IMPLS: &[(&str, usize)] = &[("query", 0), ("storage", 0), ("engine", 30), ("binding", 0)];

/// Folders of `js`, from the bottom up, and the folders that each may import. Types count as imports.
/// A rule holds as soon as the folder exists. `errors.ts` is free to all.
pub const SCRIPTS: Below = &[
    ("ids", &[]),
    ("types", &["ids"]),
    ("codec", &["ids", "types"]),
    ("transport", &["ids", "types", "codec"]),
    ("arguments", &["ids", "types"]),
    ("request", &["ids", "types", "codec", "transport", "arguments"]),
    ("connection", &["ids", "types", "codec", "transport", "arguments", "request"]),
    ("cursor", &["ids", "types", "codec", "transport", "arguments", "request", "connection"]),
    ("api", &["ids", "types", "codec", "transport", "arguments", "request", "connection", "cursor"]),
    ("mongodb", &["ids", "types", "api"]),
    ("importers", &["ids", "types", "api"]),
    ("inspector", &["ids", "types", "api"]),
    ("cli", &["ids", "types", "api"]),
];

/// The scripts that stand directly in `js`.
pub const FLAT_SCRIPTS: &[&str] = &["index.ts", "internal.ts", "errors.ts"];

/// The scripts that no other script may import.
pub const SCRIPT_ENTRIES: &[&str] = &["index.ts", "internal.ts"];

/// Imports that count in no circle because they name types only: what is imported is gone when the script runs.
pub const TYPE_ONLY: &[(&str, &str)] = &[("api/collection.ts", "api/database.ts")];

/// How many scripts still import each other in circles. It only falls.
pub const SCRIPT_CIRCLES: usize = 0;

/// How many files a folder may hold, tests and the table of contents not counted.
pub const FILES_IN_A_FOLDER: usize = 12;

/// Folders that still hold more, and how many at most. A folder that is split is taken off the list.
pub const LARGER_FOLDERS: &[(&str, usize)] =
    &[("src/document", 19), ("src/query", 29), ("src/query/aggregate", 22), ("src/query/expression", 32)];
