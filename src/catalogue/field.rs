//! One member of a request and what may stand in it.

/// What may stand in a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// A text.
    String,
    /// A whole number (`integer` and `long` of the models).
    Integer,
    /// A number.
    Double,
    /// `true` or `false`.
    Boolean,
    /// Members of fixed names.
    Structure,
    /// A list.
    List,
    /// Free keys with texts as values.
    Map,
    /// Anything.
    Document,
}

/// One member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name in the model; empty for a list's element and for a whole request.
    pub name: &'static str,
    /// What it holds.
    pub ty: Type,
    /// The allowed texts; empty when any text will do.
    pub values: Vec<&'static str>,
    /// Whether AWS demands it.
    pub required: bool,
    /// The least value of a number, the least length of a text or list.
    pub min: Option<i64>,
    /// The greatest value or length.
    pub max: Option<i64>,
    pub(super) members: Vec<Self>,
    pub(super) item: Option<Box<Self>>,
}

impl Field {
    pub(super) fn new(name: &'static str, ty: Type) -> Self {
        Self {
            name,
            ty,
            values: Vec::new(),
            required: false,
            min: None,
            max: None,
            members: Vec::new(),
            item: None,
        }
    }

    /// The members of a structure, in the model's order.
    pub fn members(&self) -> &[Self] {
        &self.members
    }

    /// The member of this name.
    pub fn member(&self, name: &str) -> Option<&Self> {
        self.members.iter().find(|member| member.name == name)
    }

    /// The element of a list.
    pub fn item(&self) -> Option<&Self> {
        self.item.as_deref()
    }

    /// The member at a path such as `loadBalancers[].targetGroupArn`; itself for the empty path.
    pub fn at(&self, path: &str) -> Option<&Self> {
        steps(path).try_fold(self, |field, step| match step {
            Step::Into => field.item(),
            Step::Member(name) => field.member(name),
        })
    }
}

/// One step of a path.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step<'a> {
    /// Into a list's element: `[]`.
    Into,
    /// To the member of this name.
    Member(&'a str),
}

/// The steps of a path.
pub(super) fn steps(path: &str) -> impl Iterator<Item = Step<'_>> {
    path.split('.')
        .filter(|part| !part.is_empty())
        .flat_map(|part| {
            let name = part.trim_end_matches("[]");
            let depth = (part.len() - name.len()) / 2;
            std::iter::once(Step::Member(name)).chain(std::iter::repeat_n(Step::Into, depth))
        })
}
