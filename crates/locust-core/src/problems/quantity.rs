//! Quantities of Kubernetes as numbers that can be compared.

/// A quantity in units of 10⁻⁹, rounded up as Kubernetes does. What is too
/// large is the largest number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Amount(i128);

const NANO: u32 = 9;

impl Amount {
    /// What a text stands for; `None` if it is no quantity.
    pub(super) fn of(text: &str) -> Option<Self> {
        let (is_negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let end = text
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(text.len());
        let (digits, suffix) = text.split_at_checked(end)?;
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let size = magnitude(whole, fraction, scale(suffix)?);
        Some(Self(if is_negative { -size } else { size }))
    }

    pub(super) const fn is_negative(self) -> bool {
        self.0 < 0
    }

    pub(super) const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Whether it is a whole number.
    pub(super) fn is_whole(self) -> bool {
        self.0.checked_rem(10_i128.pow(NANO)) == Some(0)
    }

    /// Whether it is a multiple of a size above 0.
    pub(super) fn is_multiple_of(self, size: Self) -> bool {
        size.0 > 0 && self.0.checked_rem(size.0) == Some(0)
    }
}

/// What a suffix multiplies by: so many powers of 10, and of 2.
#[derive(Clone, Copy)]
struct Scale {
    ten: i32,
    two: u32,
}

fn scale(suffix: &str) -> Option<Scale> {
    let ten = |ten| Some(Scale { ten, two: 0 });
    let two = |two| Some(Scale { ten: 0, two });
    match suffix {
        "n" => ten(-9),
        "u" => ten(-6),
        "m" => ten(-3),
        "" => ten(0),
        "k" => ten(3),
        "M" => ten(6),
        "G" => ten(9),
        "T" => ten(12),
        "P" => ten(15),
        "E" => ten(18),
        "Ki" => two(10),
        "Mi" => two(20),
        "Gi" => two(30),
        "Ti" => two(40),
        "Pi" => two(50),
        "Ei" => two(60),
        exponent => {
            let power = exponent.strip_prefix(['e', 'E'])?;
            let power: i32 = power.parse().ok()?;
            ten(power)
        }
    }
}

/// The number in units of 10⁻⁹, rounded up.
fn magnitude(whole: &str, fraction: &str, scale: Scale) -> i128 {
    let digits = format!("{whole}{fraction}");
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return 0;
    }
    let Ok(number) = digits.parse::<i128>() else {
        return i128::MAX;
    };
    let Some(number) = number.checked_mul(1_i128.checked_shl(scale.two).unwrap_or(i128::MAX))
    else {
        return i128::MAX;
    };
    let behind_point = i32::try_from(fraction.len()).unwrap_or(i32::MAX);
    let power = scale
        .ten
        .saturating_add(NANO.cast_signed())
        .saturating_sub(behind_point);
    let factor = 10_i128.checked_pow(power.unsigned_abs());
    match (power >= 0, factor) {
        (true, Some(factor)) => number.saturating_mul(factor),
        (true, None) => i128::MAX,
        (false, Some(factor)) => number
            .div_euclid(factor)
            .saturating_add(i128::from(number.rem_euclid(factor) != 0)),
        (false, None) => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::Amount;

    fn amount(text: &str) -> Amount {
        Amount::of(text).unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn quantities_are_compared_by_what_they_stand_for() {
        for (small, large) in [
            ("999m", "1"),
            ("1000Ki", "1Mi"),
            ("1M", "1Mi"),
            ("0.5", "501m"),
            ("-1", "0"),
            ("1e3", "1.001k"),
            ("1n", "1u"),
            (".5", "1."),
            ("9E", "9Ei"),
            ("1E", "1e30"),
        ] {
            assert!(amount(small) < amount(large), "{small} {large}");
        }
        for (left, right) in [
            ("1000m", "1"),
            ("1024Mi", "1Gi"),
            ("1e3", "1k"),
            ("1E3", "1k"),
            ("0.1n", "1n"),
            ("+1", "1"),
            ("-0", "0"),
            ("0.50", "500m"),
        ] {
            assert_eq!(amount(left), amount(right), "{left} {right}");
        }
        for text in ["", "x", "1x", "1e", "Mi", "."] {
            assert_eq!(Amount::of(text), None, "{text}");
        }
        assert!(amount("2000m").is_whole() && !amount("1500m").is_whole());
        assert!(amount("-1m").is_negative() && !amount("-0").is_negative());
        assert!(amount("4Mi").is_multiple_of(amount("2Mi")));
        assert!(!amount("3Mi").is_multiple_of(amount("2Mi")));
    }
}
