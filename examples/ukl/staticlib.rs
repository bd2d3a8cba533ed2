// A Rust program as a static library, for `lupine link --libc glibc`:
//   rustc --crate-type staticlib -O examples/ukl/staticlib.rs -o libprogram.a
use std::cell::Cell;
use std::collections::HashMap;
use std::panic::catch_unwind;
use std::{env, fs, thread};

thread_local! {
    static OWN: Cell<u32> = const { Cell::new(7) };
}

struct Guard;

impl Drop for Guard {
    fn drop(&mut self) {
        println!("dropped");
    }
}

fn squares(of: u32) -> u32 {
    OWN.with(|own| own.set(of));
    let table: HashMap<u32, u32> = (0..1000).map(|n| (n, n * of)).collect();
    table[&999] + OWN.with(Cell::get)
}

#[unsafe(no_mangle)]
pub extern "C" fn main(_count: i32, _words: *const *const u8) -> i32 {
    let threads: Vec<_> = (0..4).map(|of| thread::spawn(move || squares(of))).collect();
    let sum: u32 = threads.into_iter().map(|one| one.join().unwrap()).sum();
    let unwound = catch_unwind(|| {
        let _guard = Guard;
        assert_eq!(sum, 0);
    });
    fs::write("/file", b"abc").unwrap();
    let length = fs::metadata("/file").unwrap().len();
    let words = env::args().count();
    let own = OWN.with(Cell::get);
    println!("sum {sum}, unwound {}, own {own}, {length} bytes, {words} words", unwound.is_err());
    5
}
