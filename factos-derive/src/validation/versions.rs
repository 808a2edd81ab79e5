use crate::{
    ast::{Input, StoredType},
    attr::UpcastStep,
    errors::Errors,
};

/// Every version from `since` to the one before the current must have exactly one step.
pub(super) fn versions(input: &Input<'_>, errors: &mut Errors) {
    for stored in input.types.iter().filter(|stored| !stored.is_broken) {
        if let Some(since) = stored.since.filter(|since| since.number > stored.version.number) {
            let text = format!("`since` lies above version {}", stored.version.number);
            errors.push(syn::Error::new(since.span, text));
            continue;
        }
        let before = errors.count();
        steps(stored, errors);
        if errors.count() == before {
            missing(stored, errors);
        }
        json(input, stored, errors);
    }
}

fn all<'a>(stored: &'a StoredType<'_>) -> impl Iterator<Item = &'a UpcastStep> {
    stored.upcast_json.iter().chain(&stored.upcast)
}

fn steps(stored: &StoredType<'_>, errors: &mut Errors) {
    let (version, oldest) = (stored.version.number, stored.oldest());
    let mut seen = Vec::new();
    for step in all(stored) {
        let from = step.from;
        if from >= version {
            let text = format!("a step starts below the current version, which is {version}");
            errors.at(&step.key, text);
        } else if seen.contains(&from) {
            errors.at(&step.key, format!("version {from} has a step already"));
        } else if from < oldest {
            let text = format!("nothing below version {oldest} was stored, says `since`");
            errors.at(&step.key, text);
        }
        seen.push(from);
    }
    let typed = stored.upcast.first().map_or(version, |step| step.from);
    for step in stored.upcast_json.iter().filter(|step| step.from > typed) {
        let text = format!("steps of JSON come before typed ones, which start at version {typed}");
        errors.at(&step.key, text);
    }
}

/// Reports the newest version without a step. `since` can exclude it and the versions below.
fn missing(stored: &StoredType<'_>, errors: &mut Errors) {
    let mut reached = stored.version.number;
    let mut steps: Vec<u32> = all(stored).map(|step| step.from).collect();
    steps.sort_unstable();
    while steps.last().is_some_and(|from| *from == reached - 1) {
        steps.pop();
        reached -= 1;
    }
    if reached > stored.oldest() {
        let from = reached - 1;
        let text = format!(
            "version {reached} has no upcast from {from}: add `upcast({from} = function)`, or set \
             `since = {reached}` if no older one was ever stored"
        );
        errors.push(syn::Error::new(stored.version.span, text));
    }
}

fn json(input: &Input<'_>, stored: &StoredType<'_>, errors: &mut Errors) {
    let Some(codec) = &input.attr.codec else { return };
    let is_json = codec.path.segments.last().is_some_and(|segment| segment.ident == "Json");
    for step in stored.upcast_json.iter().filter(|_| !is_json) {
        errors.at(&step.path, "`upcast_json` reads JSON, and these payloads have another codec");
    }
}
