//! The directory's documents as Python's modules read them, by the script in `python/`.

use std::path::Path;

use essaim_harness::Node;
use essaim_harness::tools::{self, Tool, skipped};
use essaim_interop::succeeded;

#[test]
fn python_reads_what_the_directory_writes() {
    // Debian's own, whose modules are packages too; PATH may name another.
    let Some(python) = Tool::find("/usr/bin/python3", "python3") else { return };
    let node = Node::start();
    let file = r#"{"name": "Bees", "homeUrl": "https://bees.example/"}"#;
    let path = node.data_dir().join("bees.json");
    std::fs::write(&path, file).expect("it can be written");
    let path = path.to_str().expect("UTF-8");
    for arguments in [
        [
            "directory",
            "edit",
            "--set",
            r#"name==cmd|' /C calc'!A0, "Les Abeilles" & <fils>"#,
            "--set",
            "description.fr=Un hébergeur",
        ],
        ["directory", "import", path, "--from", "libreho.st", "--json"],
        // Looks at the directory anew, which the documents do every five seconds.
        ["directory", "export", "--format", "json", "--mentioned", "--json"],
    ] {
        succeeded("essaim", &node.essaim(&arguments, ""));
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = python.command();
    command.arg(root.join("python/formats_check.py"));
    command.env("ESSAIM_BASE", format!("http://{}", node.address("http")));
    command.env("ESSAIM_SCHEMA", root.join("../../specs/schemas/directory.schema.json"));
    let output = tools::run(&mut command, b"");
    succeeded("formats_check.py", &output);
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        if let Some(reason) = line.strip_prefix("SKIPPED: ") {
            skipped(reason);
        }
    }
}
