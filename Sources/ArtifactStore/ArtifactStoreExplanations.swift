// The pages behind the store's diagnostic ids, for `plumb explain ID`.

/// One page for each id that the store's diagnostics and `store verify` use, sorted by id.
public let artifactStoreExplanations: [(id: String, text: String)] = [
  (
    "store-bundle-refused",
    """
    A bundle is read whole before anything of it lands in the store: every member must be an object whose \
    bytes have the digest in its name, or a result whose key follows from its record and whose objects are \
    all in the bundle. Names that lead elsewhere, links, members that stand twice, cut archives and \
    compressed ones are refused, and the store stays as it was.
    """
  ),
  (
    "store-copy-damaged",
    """
    While objects go from one store to another each is hashed. The bytes that were read do not have the \
    digest in their name, so the object lies damaged in the other store; nothing of it was kept here. \
    `plumb store verify` there says what else is damaged.
    """
  ),
  (
    "store-format-damaged",
    """
    Every store has a file `format` that says how it is laid out. It is there but is not the JSON \
    that plumb wrote, so nothing else in the folder is trusted and nothing is written.

    Restore the file from a copy of the store. If you know that the store was made by this version \
    of plumb, write {"digest":"sha256","store":1} into it and run `plumb store verify`.
    """
  ),
  (
    "store-format-unknown",
    """
    The store was made by a newer version of plumb, with a layout or a digest that this version does \
    not know. It is neither read nor written, because guessing could damage what others share.

    Use a plumb that is at least as new as the one that made the store, or name another store with \
    --store or PLUMB_STORE.
    """
  ),
  (
    "store-full",
    """
    The disk or your quota is full. Nothing half-written is ever visible: the stage failed, its \
    temporary files are removed, and everything finished before is still in the store.

    Free space (`df -h`, `df -i` for inodes, `quota`), or use a store on another disk with --store; \
    then run again.
    """
  ),
  (
    "store-input-changed",
    """
    A file or folder that a stage reads was written to while plumb was hashing or copying it. Its \
    digest would name bytes that never existed together, so nothing is kept.

    Wait until the program that writes there has finished, then run again. Something that is always \
    being written to, such as a live log, has to be copied first.
    """
  ),
  (
    "store-input-link",
    """
    Links inside an ingested folder are followed when they lead to a file: the file's bytes are kept \
    under the link's name. A link to a folder is refused, since it can loop or lead out of the data \
    set, and so is a link that leads nowhere. The path that you name yourself may be any link.
    """
  ),
  (
    "store-input-missing",
    """
    A file or folder named by a manifest (or one inside such a folder) does not exist or cannot be \
    reached. A relative path counts from the folder that the manifest's documentation names; a \
    folder above it without the `x` permission also hides it.
    """
  ),
  (
    "store-input-name",
    """
    Paths inside a kept folder are UTF-8 text, at most 4000 bytes long with names of at most 255 \
    bytes, so that they mean the same on every machine. Rename the file. Old archives often hold \
    Latin-1 names: `convmv -f latin1 -t utf8 --notest` turns them into UTF-8.
    """
  ),
  (
    "store-input-special",
    """
    Only regular files and folders can be kept; pipes, sockets and devices have no content that \
    could be hashed and read again. The message also appears where a file is needed and a folder \
    stands there, or the other way round.
    """
  ),
  (
    "store-io",
    """
    The file system answered with an error that plumb cannot mend: a disk error, a network file \
    system that went away, too many open files. Nothing half-written is visible to others. Look at \
    the reason in the message and at `dmesg`, then run again; finished stages are reused.
    """
  ),
  (
    "store-no-permission",
    """
    The store, or a file to be read, does not allow what was tried: it belongs to somebody else, has \
    a strict mode, or lies on a file system that is mounted read-only. Reading results out of a \
    read-only store works; making new ones needs write permission on its folders.

    In a shared store the folders are group-writable with the set-group-id bit (mode 2775).
    """
  ),
  (
    "store-no-roots",
    """
    Each run writes down under `roots/` which results it reached, and collection keeps what those results \
    lead to. This store has no such notes and no pins: everything would go. Run the pipelines that are \
    wanted once more (nothing is made again), or keep single results with `plumb store pin`.
    """
  ),
  (
    "store-not-a-store",
    """
    A store is a folder with a file `format`. The folder that was named has other things in it, and \
    plumb does not mix its files with yours. Name an empty or absent folder to make a store there. \
    If this is a store whose `format` was lost in copying, restore that file.
    """
  ),
  (
    "store-object-damaged",
    """
    Every object's name is the SHA-256 of its bytes, and here they differ: a disk error, a program \
    that wrote into the store, or an interrupted copy by other tools. It can also be a file that \
    does not belong there. `plumb store verify --repair` moves such files to `quarantine/`; the next \
    run makes again what is needed.
    """
  ),
  (
    "store-object-missing",
    """
    A result or a folder's listing names an object that is not in the store. A run notices this by \
    itself, treats the result as absent and makes it again. Copy stores as a whole; for parts of \
    them a copy by hand easily leaves objects behind.
    """
  ),
  (
    "store-object-mode",
    """
    Files in a store are read-only (mode 444), so that no program changes them by accident. Copying \
    with zip, or with rsync without -p, loses that. The bytes are checked separately; \
    `plumb store verify --repair` restores the modes of files that belong to you.
    """
  ),
  (
    "store-record-damaged",
    """
    A record is the readable text from which an action's key is computed. This one is not in the \
    exact form that plumb writes, so the key cannot be checked and the result is not trusted. \
    `plumb store verify --repair` moves the result to `quarantine/`; the next run makes it again.
    """
  ),
  (
    "store-record-value",
    """
    Everything that a stage depends on is written into its record, and the key is computed from it. \
    A number that is not finite, a name given twice, or list items without places cannot be written \
    unambiguously; leaving them out would make different actions look the same.
    """
  ),
  (
    "store-remote-failed",
    """
    Remote stores are reached with rclone. It could not be started, or ended with an error that the message \
    shows. Objects are sent before results and nothing is overwritten, so the same command can be repeated \
    at any time. `rclone listremotes` shows the remotes that are set up.
    """
  ),
  (
    "store-result-damaged",
    """
    A result is not whole, names an object that is missing or damaged, or does not fit its key. It is \
    never used: a run treats it as absent. `plumb store verify --repair` moves it to `quarantine/`.
    """
  ),
  (
    "store-result-incomplete",
    """
    Before a result is published, every object that it names must be in the store. One is not: it \
    was removed between being written and being published, for instance by hand. The stage fails and \
    nothing is published; run again.
    """
  ),
  (
    "store-root-damaged",
    """
    Roots under `roots/<project>/` say what must be kept. One cannot be read, so it is unknown what \
    it protects, and collection refuses to remove anything. Restore the file, or remove it if \
    nothing that it named is needed any more.
    """
  ),
  (
    "store-tree-damaged",
    """
    A folder is kept as a listing: `plumb.tree/1`, then one JSON line for each file, sorted, with \
    safe relative paths. This one breaks the rules: paths that lead out of the folder, stand twice \
    or out of order, or two names that are the same text in different Unicode forms. A listing that \
    came from elsewhere is refused; for a folder of your own, rename the files that the message names.
    """
  ),
  (
    "store-upstream-missing",
    """
    A store may have others behind it (`plumb store upstreams`), in which results are looked up too. One \
    of them cannot be opened, for instance because its disk is not mounted. It is passed over: what it \
    has is made again here.
    """
  ),
  (
    "store-upstreams-damaged",
    """
    The file `upstreams` of the store lists the stores behind it as a JSON list of absolute paths, such \
    as ["/shared/lab/artifacts"]. It cannot be read, and without it results would be made again \
    that others have. Correct it, or remove it to use this store alone.
    """
  ),
  (
    "store-would-overwrite",
    """
    Commands that write files outside the store, such as plumb bundle, never replace one that is there: \
    it may be the only copy of something. Name another file, or move the old one away.
    """
  ),
]
