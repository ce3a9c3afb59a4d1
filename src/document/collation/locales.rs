//! The locales of the compiled collation data, under MongoDB's names.

use icu_locale_core::Locale;

/// Locales with the special collations that each has besides its own.
const LOCALES: &[(&str, &[&str])] = &[
    ("af", &[]),
    ("am", &[]),
    ("ar", &["compat"]),
    ("as", &[]),
    ("az", &[]),
    ("be", &[]),
    ("bg", &[]),
    ("bn", &["traditional"]),
    ("br", &[]),
    ("bs", &[]),
    ("bs_Cyrl", &[]),
    ("ca", &[]),
    ("ceb", &[]),
    ("chr", &[]),
    ("cs", &[]),
    ("cy", &[]),
    ("da", &[]),
    ("de", &["eor", "phonebook"]),
    ("de_AT", &["phonebook"]),
    ("dsb", &[]),
    ("ee", &[]),
    ("el", &[]),
    ("en", &[]),
    ("en_US", &[]),
    ("en_US_POSIX", &[]),
    ("eo", &[]),
    ("es", &["traditional"]),
    ("et", &[]),
    ("fa", &[]),
    ("fa_AF", &[]),
    ("fi", &["traditional"]),
    ("fil", &[]),
    ("fo", &[]),
    ("fr", &[]),
    ("fr_CA", &[]),
    ("fy", &[]),
    ("ga", &[]),
    ("gl", &[]),
    ("gu", &[]),
    ("ha", &[]),
    ("he", &[]),
    ("hi", &[]),
    ("hr", &[]),
    ("hsb", &[]),
    ("hu", &[]),
    ("hy", &[]),
    ("id", &[]),
    ("ig", &[]),
    ("is", &[]),
    ("it", &[]),
    ("ja", &["unihan"]),
    ("ka", &[]),
    ("kk", &[]),
    ("km", &[]),
    ("kn", &["traditional"]),
    ("ko", &["unihan"]),
    ("kok", &[]),
    ("ku", &[]),
    ("ky", &[]),
    ("lb", &[]),
    ("lo", &[]),
    ("lt", &[]),
    ("lv", &[]),
    ("mk", &[]),
    ("ml", &[]),
    ("mn", &[]),
    ("mr", &[]),
    ("ms", &[]),
    ("mt", &[]),
    ("my", &[]),
    ("nb", &[]),
    ("ne", &[]),
    ("nl", &[]),
    ("nn", &[]),
    ("no", &[]),
    ("om", &[]),
    ("or", &[]),
    ("pa", &[]),
    ("pl", &[]),
    ("ps", &[]),
    ("pt", &[]),
    ("ro", &[]),
    ("root", &["emoji", "eor"]),
    ("ru", &[]),
    ("si", &["dictionary"]),
    ("sk", &[]),
    ("sl", &[]),
    ("sq", &[]),
    ("sr", &[]),
    ("sr_Latn", &[]),
    ("sv", &["traditional"]),
    ("sw", &[]),
    ("ta", &[]),
    ("te", &[]),
    ("th", &[]),
    ("tk", &[]),
    ("to", &[]),
    ("tr", &[]),
    ("ug", &[]),
    ("uk", &[]),
    ("ur", &[]),
    ("uz", &[]),
    ("vi", &["traditional"]),
    ("wo", &[]),
    ("yo", &[]),
    ("zh", &["pinyin", "stroke", "unihan", "zhuyin"]),
    ("zh_Hant", &["pinyin", "stroke", "unihan", "zhuyin"]),
    ("zu", &[]),
];

/// Locales that MongoDB has, and for which the compiled data has no tailoring.
const WITHOUT_DATA: &[&str] = &["bo", "dz", "haw", "kl", "lkt", "ln", "se", "smn", "wae", "yi"];

/// Special collations that MongoDB has, and that the compiled data leaves out.
const LEFT_OUT: &[&str] = &["big5han", "gb2312han", "phonetic", "search", "searchjl"];

/// Names of special collations, and their short forms in BCP 47.
const SHORT: &[(&str, &str)] = &[("dictionary", "dict"), ("phonebook", "phonebk"), ("traditional", "trad")];

/// Why a name is no locale of a collation.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// There is none of this name.
    Unknown,
    /// MongoDB has it.
    NotSupported,
}

/// A locale under MongoDB's name, as in `de_AT` or `de@collation=phonebook`.
#[derive(Clone, Debug)]
pub(super) struct Named {
    pub(super) name: String,
    pub(super) locale: Locale,
}

/// Reads a name in MongoDB's form, or in that of BCP 47: `de-u-co-phonebk`.
pub(super) fn find(given: &str) -> Result<Named, Fault> {
    let (base, special) = match (given.split_once("@collation="), given.split_once("-u-co-")) {
        (Some((base, special)), _) => (base.to_owned(), Some(special)),
        (None, Some((base, special))) => (base.replace('-', "_"), Some(special)),
        (None, None) => (given.replace('-', "_"), None),
    };
    let special = special
        .map(|special| SHORT.iter().find(|(_, short)| *short == special).map_or(special, |(long, _)| long));
    if WITHOUT_DATA.contains(&base.as_str()) {
        return Err(Fault::NotSupported);
    }
    let (name, specials) = LOCALES.iter().find(|(name, _)| *name == base).ok_or(Fault::Unknown)?;
    match special {
        None | Some("standard") => Named::of(name, None),
        Some(special) => match specials.iter().find(|one| **one == special) {
            Some(special) => Named::of(name, Some(special)),
            None if LEFT_OUT.contains(&special) => Err(Fault::NotSupported),
            None => Err(Fault::Unknown),
        },
    }
}

impl Named {
    fn of(base: &str, special: Option<&'static str>) -> Result<Named, Fault> {
        let short = |special: &'static str| {
            SHORT.iter().find(|(long, _)| *long == special).map_or(special, |(_, short)| *short)
        };
        let mut tag = match base {
            "root" => "und".to_owned(),
            base => base.replace('_', "-"),
        };
        let mut name = base.to_owned();
        if let Some(special) = special {
            tag = format!("{tag}-u-co-{}", short(special));
            name = format!("{name}@collation={special}");
        }
        let locale = Locale::try_from_str(&tag).map_err(|_| Fault::Unknown)?;
        Ok(Named { name, locale })
    }
}

/// The locale that was probably meant: the language alone.
pub(super) fn near(given: &str) -> Option<&'static str> {
    let language = given.split(['_', '-', '@']).next()?.to_ascii_lowercase();
    LOCALES.iter().map(|(name, _)| *name).find(|name| *name == language)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_locale_of_the_table_is_one_and_stands_once() {
        for (n, (name, specials)) in LOCALES.iter().enumerate() {
            assert_eq!(find(name).unwrap().name, *name);
            for special in *specials {
                let full = format!("{name}@collation={special}");
                assert_eq!(find(&full).unwrap().name, full);
            }
            assert!(LOCALES.iter().skip(n + 1).all(|(other, _)| other > name), "{name}");
        }
    }

    #[test]
    fn both_forms_of_a_name_are_one_locale() {
        for (given, name) in [
            ("de-AT", "de_AT"),
            ("de-u-co-phonebk", "de@collation=phonebook"),
            ("de@collation=phonebook", "de@collation=phonebook"),
            ("es-u-co-trad", "es@collation=traditional"),
            ("de@collation=standard", "de"),
        ] {
            assert_eq!(find(given).unwrap().name, name);
        }
        for unknown in ["", "xx", "DE", "de_XX", "de@collation=", "de@collation=nothing", "simple", "de\0"] {
            assert_eq!(find(unknown).unwrap_err(), Fault::Unknown, "{unknown}");
        }
        for there in ["de@collation=search", "kl", "zh@collation=gb2312han"] {
            assert_eq!(find(there).unwrap_err(), Fault::NotSupported, "{there}");
        }
        assert_eq!(near("de_CH"), Some("de"));
        assert_eq!(near("xx_DE"), None);
    }
}
