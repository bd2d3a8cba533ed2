//! A program's name and arguments: in the image, and on the kernel's command line.

/// Assembler source with the words, which end with a zero each.
pub(crate) fn assembler(words: &[String]) -> String {
    let mut text = String::from("\t.section .ukl.arguments, \"a\"\n");
    for word in words {
        for byte in word.bytes().chain([0]) {
            text += &format!("\t.byte {byte}\n");
        }
    }
    text + "\t.section .note.GNU-stack, \"\", @progbits\n"
}

/// A parameter of the kernel with words: commas between them, `%XX` for each byte that means
/// something to the kernel's command line.
pub fn encode<S: AsRef<str>>(parameter: &str, words: &[S]) -> String {
    let words: Vec<String> = words.iter().map(|word| one(word.as_ref())).collect();
    format!("{parameter}={}", words.join(","))
}

fn one(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=+@".contains(&byte);
    word.bytes()
        .map(|byte| match plain(byte) {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02x}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn words_with_spaces_commas_and_quotes_stay_one_word() {
        let words = words(&["--port=80", "a b,c", "\"%\"", "ä"]);
        assert_eq!(
            encode("ukl", &words),
            "ukl=--port=80,a%20b%2cc,%22%25%22,%c3%a4"
        );
        assert_eq!(encode::<&str>("ukl", &[]), "ukl=");
    }

    #[test]
    fn words_in_the_image_end_with_a_zero() {
        let text = assembler(&words(&["a", ""]));
        let bytes: Vec<&str> = text.lines().filter(|l| l.contains(".byte")).collect();
        assert_eq!(bytes, ["\t.byte 97", "\t.byte 0", "\t.byte 0"]);
    }
}
