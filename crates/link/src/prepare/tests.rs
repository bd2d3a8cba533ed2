use object::{Object as _, ObjectSection as _};

use super::*;

/// The program of these sources.
fn prepared(sources: &[&str]) -> Result<(Object, Contents), LinkError> {
    prepared_with(Libc::Musl, sources)
}

fn prepared_with(libc: Libc, sources: &[&str]) -> Result<(Object, Contents), LinkError> {
    prepared_by(libc, false, sources)
}

fn prepared_by(libc: Libc, gate: bool, sources: &[&str]) -> Result<(Object, Contents), LinkError> {
    let dir = tempfile::tempdir().unwrap();
    let write = |(number, text): (usize, &&str)| {
        let path = dir.path().join(format!("source{number}.c"));
        fs::write(&path, text).unwrap();
        path
    };
    let program = Program {
        files: sources.iter().enumerate().map(write).collect(),
        flags: Vec::new(),
        libc,
        gate,
        words: vec!["test".into()],
    };
    let work = dir.path().join("work");
    fs::create_dir(&work).unwrap();
    let object = prepare(&program, &Imports::builtin().unwrap(), &work)?;
    let contents = Contents::of(&object.path)?;
    Ok((object, contents))
}

fn wanted(sources: &[&str]) -> Vec<Wanted> {
    match prepared(sources) {
        Err(LinkError::Undefined { wanted, .. }) => wanted,
        other => panic!("{other:?}"),
    }
}

#[test]
fn nothing_of_an_unmodified_program_is_open_but_what_is_weak() {
    let main = "#include <stdio.h>\nint main(void) { return printf(\"hello\\n\") < 0; }";
    let (object, contents) = prepared(&[main]).unwrap();
    assert_eq!(object.imports, Vec::<String>::new());
    assert!(object.bytes > 10_000, "{object:?}");
    let bound = |symbol: &&Undefined| !(symbol.is_weak && symbol.name.starts_with(ABSENT));
    assert_eq!(contents.undefined.iter().find(bound), None);
}

#[test]
fn names_of_the_kernel_can_be_the_programs_own() {
    let names = "int printk(int a) { return a; } int panic; int sort(void) { return panic; } int current = 3;";
    let main = "int printk(int); int sort(void); extern int current; void *memcpy(void *, const void *, unsigned long);
        int main(int c, char **v) { char b[8]; memcpy(b, v, c); return printk(c) + sort() + current + b[0]; }";
    let (object, _) = prepared(&[names, main]).unwrap();
    assert_eq!(object.imports, Vec::<String>::new());
}

#[test]
fn a_function_that_only_the_kernel_has_is_missing_and_its_user_named() {
    let main = "void printk(void); void sort(void); int main(void) { printk(); sort(); return 0; }";
    let both = wanted(&[main]);
    let names: Vec<&str> = both.iter().map(|w| w.symbol.as_str()).collect();
    assert_eq!(names, ["printk", "sort"]);
    assert!(both.iter().all(|w| w.by == "0.o"), "{both:?}");
}

#[test]
fn what_the_header_declares_is_bound_and_what_the_gate_lacks_is_missing() {
    let listed = "#include <ukl.h>
        int main(void) { char b; return ukl_recv(0, &b, 1, 0) + ukl_getppid() + crc32_le(0, 0, 0); }";
    let (object, _) = prepared(&[listed]).unwrap();
    assert_eq!(object.imports, ["crc32_le", "ukl_getppid", "ukl_recvfrom"]);

    let other = "long ukl_fork(void); int main(void) { return ukl_fork(); }";
    let missing = Wanted {
        symbol: "ukl_fork".into(),
        by: "0.o".into(),
    };
    assert_eq!(wanted(&[other]), [missing]);
}

#[test]
fn a_weak_function_that_the_kernel_has_stays_absent() {
    let main = "__attribute__((weak)) void printk(void); int main(void) { return printk ? 1 : 0; }";
    let (_, contents) = prepared(&[main]).unwrap();
    let absent = format!("{ABSENT}printk");
    assert!(
        contents
            .undefined
            .iter()
            .any(|s| s.is_weak && s.name == absent),
        "{contents:?}"
    );
}

#[test]
fn a_program_without_main_is_told_so() {
    let all = wanted(&["int f(void) { return 0; }"]);
    assert_eq!(all.len(), 1);
    assert_eq!(
        (all[0].symbol.as_str(), all[0].by.as_str()),
        ("main", "crt1.o")
    );
}

#[test]
fn what_is_on_the_list_is_the_kernels() {
    let main = "unsigned crc32_le(unsigned, const unsigned char *, unsigned long);
        int main(int c, char **v) { return crc32_le(0, (void *)v, c); }";
    let (object, _) = prepared(&[main]).unwrap();
    assert_eq!(object.imports, ["crc32_le"]);
}

#[test]
fn other_files_are_refused() {
    let program = Program {
        files: vec!["a.txt".into()],
        flags: Vec::new(),
        libc: Libc::Musl,
        gate: false,
        words: Vec::new(),
    };
    let dir = tempfile::tempdir().unwrap();
    let error = prepare(&program, &Imports::builtin().unwrap(), dir.path());
    let said = error.unwrap_err().to_string();
    assert_eq!(
        said,
        "a.txt is neither source (.c, .cc, .cpp), an object (.o) nor an archive (.a)"
    );
}

#[test]
fn who_refers_is_read_from_the_linkers_words() {
    let said = "ld: a\n/usr/lib/libc.a(x.lo): reference to f\n/b/c.o: definition of f\n";
    assert_eq!(referrer(said, "f").as_deref(), Some("libc.a(x.lo)"));
    assert_eq!(referrer(said, "g"), None);
}

#[test]
fn glibc_is_linked_and_leaves_nothing_open_but_what_is_weak() {
    let main = "#include <stdio.h>\n#include <string.h>\n#include <math.h>
        int main(int c, char **v) { return printf(\"%zu %f\\n\", strlen(v[0]), sin(c)) < 0; }";
    let (_, contents) = prepared_with(Libc::Glibc, &[main]).unwrap();
    let bound = |symbol: &&Undefined| !(symbol.is_weak && symbol.name.starts_with(ABSENT));
    assert_eq!(contents.undefined.iter().find(bound), None);
    // What the kernel's script does not know would become the kernel's.
    assert_eq!(contents.others, []);
    let chosen = contents.chosen;
    assert!(chosen.iter().any(|name| name == "strlen"), "{chosen:?}");
}

#[test]
fn a_function_that_musl_would_not_choose_is_refused() {
    let main = "static int one(void) { return 1; }
        static int (*choose(void))(void) { return one; }
        int f(void) __attribute__((ifunc(\"choose\")));
        int main(void) { return f(); }";
    let said = prepared(&[main]).unwrap_err().to_string();
    assert_eq!(
        said,
        "f is chosen when the program starts (ifunc), which musl does not do"
    );
    prepared_with(Libc::Glibc, &[main]).unwrap();
}

#[test]
fn sections_of_ones_own_are_lists_with_a_start_and_an_end() {
    let main = "__attribute__((section(\"my_list\"), used)) static int one = 1;
        extern int __start_my_list[], __stop_my_list[], end, etext, edata;
        int main(void) { return __stop_my_list - __start_my_list + (&end > &edata) + etext; }";
    let (_, contents) = prepared(&[main]).unwrap();
    assert_eq!(contents.others, []);
    assert!(
        contents
            .undefined
            .iter()
            .all(|s| s.name.starts_with(ABSENT)),
        "{contents:?}"
    );
}

#[test]
fn what_was_compiled_for_glibc_is_told_by_what_it_misses() {
    let main = "const char *gnu_get_libc_version(void); int main(void) { return *gnu_get_libc_version(); }";
    let error = prepared(&[main]).unwrap_err();
    assert!(
        matches!(
            error,
            LinkError::Undefined {
                hint: FOR_GLIBC,
                ..
            }
        ),
        "{error:?}"
    );
}

#[test]
fn with_the_gate_musl_calls_the_kernel_for_sources_that_do_not_know_it() {
    let main = "#include <unistd.h>\n#include <sys/epoll.h>
        int main(void) { struct epoll_event e; return epoll_wait(epoll_create1(0), &e, 1, 0) + write(1, \"a\", 1); }";
    let (object, _) = prepared_by(Libc::Musl, true, &[main]).unwrap();
    for taken in ["ukl_epoll_wait", "ukl_write"] {
        assert!(
            object.imports.iter().any(|name| name == taken),
            "{object:?}"
        );
    }
    let (object, _) = prepared(&[main]).unwrap();
    assert_eq!(object.imports, Vec::<String>::new());
}

#[test]
fn the_gate_is_refused_where_it_would_be_wrong() {
    let main = "#include <pthread.h>\nint main(void) { return pthread_cancel(pthread_self()); }";
    let error = prepared_by(Libc::Musl, true, &[main]).unwrap_err();
    assert!(error.to_string().contains("cancels threads"), "{error}");
    let main = "int main(void) { return 0; }";
    let error = prepared_by(Libc::Glibc, true, &[main]).unwrap_err();
    assert!(error.to_string().contains("only musl"), "{error}");
}

/// Who unwinds reads entries until one that is empty.
#[test]
fn no_gap_between_two_objects_ends_the_list_of_frames() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("main.c");
    fs::write(&file, "int main(void) { return 0; }").unwrap();
    let program = Program {
        files: vec![file],
        flags: Vec::new(),
        libc: Libc::Glibc,
        gate: false,
        words: vec!["main".into()],
    };
    let object = prepare(&program, &Imports::builtin().unwrap(), dir.path()).unwrap();
    let bytes = fs::read(object.path).unwrap();
    let parsed = object::File::parse(&*bytes).unwrap();
    let frames = parsed.section_by_name(".ukl.eh_frame").unwrap();
    let mut rest = frames.data().unwrap();
    let mut entries = 0;
    while let [a, b, c, d, after @ ..] = rest {
        let length = u32::from_le_bytes([*a, *b, *c, *d]) as usize;
        assert!(length > 0, "after {entries} entries, {} bytes", rest.len());
        rest = &after[length..];
        entries += 1;
    }
    assert!(entries > 100 && rest.is_empty(), "{entries} entries");
}
