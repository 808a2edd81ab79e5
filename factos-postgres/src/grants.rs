use crate::{config::Config, mode::Mode};

impl Config {
    /// The statements that let a role open, read and append to the log; the owner needs none of them. Run by
    /// the owner, once, and again after the log was upgraded: its functions are new then.
    ///
    /// The role also needs `CONNECT` on the database. It may select from the view `event_view` as well, which
    /// everybody may: the view shows only what the role may read in the table `events`.
    ///
    /// ```
    /// use factos_postgres::Config;
    ///
    /// let grants = Config::new().grants("shop");
    /// assert!(grants.contains("GRANT SELECT, INSERT ON \"factos\".events, \"factos\".tags TO \"shop\";"));
    /// ```
    #[must_use]
    pub fn grants(&self, role: &str) -> String {
        grants(&self.schema, self.mode.unwrap_or_default(), role)
    }
}

/// The statements for a role, on a log in a schema whose name was checked.
pub(crate) fn grants(schema: &str, mode: Mode, role: &str) -> String {
    let role = role.replace('"', "\"\"");
    let positions = match mode {
        Mode::Keyed => format!("USAGE, SELECT ON SEQUENCE \"{schema}\".position_seq"),
        Mode::Portable => format!("SELECT, UPDATE ON \"{schema}\".head"),
    };
    let privileges = [
        format!("USAGE ON SCHEMA \"{schema}\""),
        format!("SELECT ON \"{schema}\".meta"),
        format!("SELECT, INSERT ON \"{schema}\".events, \"{schema}\".tags"),
        positions,
        format!("EXECUTE ON ALL FUNCTIONS IN SCHEMA \"{schema}\""),
    ];
    privileges.iter().map(|privilege| format!("GRANT {privilege} TO \"{role}\";\n")).collect()
}
