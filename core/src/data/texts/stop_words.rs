//! English words that say nothing of what a text is about.

use std::collections::HashSet;
use std::sync::LazyLock;

static STOP_WORDS: LazyLock<HashSet<&str>> =
    LazyLock::new(|| FUNCTION_WORDS.split_ascii_whitespace().chain(MARKUP).collect());

/// Whether a word in lower case is left out of every vocabulary.
pub(super) fn is_stop_word(word: &str) -> bool {
    STOP_WORDS.contains(word)
}

/// Articles, pronouns, prepositions, conjunctions, auxiliaries and the adverbs of time, place and degree, of three
/// letters and more; with what is left of contractions where the apostrophe parts them.
const FUNCTION_WORDS: &str = "
    about above across after afterwards again against ain all almost alone along already also although always among
    amongst and another any anybody anyhow anyone anything anyway anywhere are aren around aside away
    became because become becomes been before beforehand behind being below beside besides between beyond both but
    came can cannot could couldn
    did didn does doesn doing don done down due during
    each either else elsewhere enough etc even ever every everybody everyone everything everywhere except
    few for former formerly from further furthermore
    gave get gets getting give given gives goes going gone got
    had hadn has hasn have haven having hence her here hereby herein hers herself him himself his how however
    indeed instead into isn its itself
    just
    last least less let likely
    made make makes making many may maybe might mightn mine more moreover most mostly much must mustn myself
    namely near nearly need neither never nevertheless next nobody none nor not nothing now nowhere
    off often once one ones only onto other others otherwise ought our ours ourselves out over own
    per perhaps put
    quite
    rather really
    same see seem seemed seeming seems several shall shan she should shouldn since some somebody somehow someone
    something sometime sometimes somewhere still such
    take taken than that the their theirs them themselves then thence there thereafter thereby therefore these they
    this those though through throughout thus till together too took toward towards two
    under unless unlike until upon use used using
    very via
    was wasn well went were weren what whatever when whence whenever where whereas whereby wherein wherever whether
    which whichever while who whoever whole whom whose why will with within without would wouldn
    yet you your yours yourself yourselves";

/// What is left of addresses and of marked-up text.
const MARKUP: [&str; 9] = ["amp", "apos", "href", "html", "http", "https", "nbsp", "quot", "www"];
