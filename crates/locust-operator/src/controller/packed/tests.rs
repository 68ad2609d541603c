//! Tests that a text comes back as it was, and is small meanwhile.

use super::*;

/// Jobs as they are remembered differ in names, UIDs and times.
fn job(number: usize) -> String {
    let words = "\"conditions\":[{\"type\":\"Complete\",\"status\":\"True\",\"reason\":\"CompletionsReached\"}]";
    let (uid, seconds) = (number.wrapping_mul(0x9e37_79b9_7f4a_7c15), number % 60);
    format!(
        "{{\"name\":\"load-{number:05}-worker\",\"uid\":\"{uid:032x}\",{words},\"at\":{seconds}}}"
    )
    .repeat(4)
}

#[test]
fn a_text_comes_back_as_it_was() {
    let long = job(7).repeat(200);
    for sample in ["", "{}", &job(0), &long] {
        let packer = Packer::new();
        for text in [sample, "", "x", "{\"a\":1}", &job(1), &long, "\u{0}\u{1}"] {
            let packed = packer.pack(text.as_bytes());
            let unpacked = packer.unpack(&packed).unwrap();
            assert_eq!(String::from_utf8(unpacked).unwrap(), text);
            assert_eq!(packer.pack(text.as_bytes()), packed);
        }
    }
}

#[test]
fn what_the_sample_says_takes_no_room() {
    let packer = Packer::new();
    packer.pack(job(0).as_bytes());
    let Packed(bytes) = packer.pack(job(12_345).as_bytes());
    let share = job(12_345).len() / bytes.len();
    assert!(share >= 5, "packed to 1/{share}");
}
