//! Whether letters are words.

/// Which letter follows which in words: a row a letter, a bit a follower. The pairs are nine tenths of those in the words of
/// 40 MB of programs and their documentation; of random pairs they are a third.
const FOLLOWERS: [u32; 26] = [
    0x013e_bd4e,
    0x0016_4911,
    0x001e_4d95,
    0x0016_4919,
    0x00af_b97f,
    0x0016_4939,
    0x0016_2191,
    0x0002_4111,
    0x022e_f87f,
    0x0000_0000,
    0x0004_0110,
    0x011c_4919,
    0x0014_d113,
    0x001c_657d,
    0x007e_f96e,
    0x001e_c991,
    0x0010_0000,
    0x011e_751d,
    0x011c_c195,
    0x011e_c995,
    0x000e_b917,
    0x0000_0111,
    0x0000_2111,
    0x0008_8010,
    0x0000_8000,
    0x0000_0010,
];
/// Fewer letters in a row are no word that could be told from chance.
const MIN_WORD: usize = 4;
/// Of a word's pairs so many have to be common.
const COMMON: f32 = 0.6;

/// Which share of a value stands in words: runs of letters, split where camel case splits them.
pub(crate) fn share(value: &[u8]) -> f32 {
    if value.is_empty() {
        return 0.0;
    }
    let mut in_words = 0;
    let mut at = 0;
    while at < value.len() {
        let end = hump(value, at);
        if end - at >= MIN_WORD && is_word(&value[at..end]) {
            in_words += end - at;
        }
        at = end.max(at + 1);
    }
    in_words as f32 / value.len() as f32
}

/// Where the run of letters that begins here ends: `Camel`, `lower` or `UPPER`.
fn hump(value: &[u8], from: usize) -> usize {
    let run = |from: usize, kind: fn(&u8) -> bool| from + value[from..].iter().take_while(|b| kind(b)).count();
    if !value[from].is_ascii_alphabetic() {
        return from;
    }
    let upper = run(from, u8::is_ascii_uppercase);
    match upper - from {
        0 => run(from, u8::is_ascii_lowercase),
        1 => run(upper, u8::is_ascii_lowercase),
        _ => upper,
    }
}

fn is_word(letters: &[u8]) -> bool {
    let pairs = letters.windows(2).filter(|p| follows(p[0], p[1])).count();
    pairs as f32 >= COMMON * (letters.len() - 1) as f32
}

fn follows(first: u8, second: u8) -> bool {
    let place = |letter: u8| usize::from(letter.to_ascii_lowercase().saturating_sub(b'a')).min(25);
    FOLLOWERS[place(first)] >> place(second) & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_told_from_random_letters() {
        for words in
            ["organizationMembershipInvitations", "user-profile-cache-key", "acme.session.preferences.v2", "DefaultAzureCredential"]
        {
            assert!(share(words.as_bytes()) > 0.7, "{words} {}", share(words.as_bytes()));
        }
        for random in ["kX92mQvT0zLpR7wB", "zqxjkvbwpfgmzqxh", "a1b2c3d4e5f60718", "Jq3vTz9XkWm2"] {
            assert!(share(random.as_bytes()) < 0.3, "{random} {}", share(random.as_bytes()));
        }
        assert!(share(b"").abs() < f32::EPSILON);
    }
}
