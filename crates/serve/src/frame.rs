//! What stands around every page of the portal: language, letters, who speaks, how to ask.

use std::fmt::Display;

use kintsugi_case::{Contact, Language, Verdict};

use crate::site::Site;
use crate::visitor::Visitor;
use crate::words::Words;

/// The frame of a page for the public. Templates call it `f`.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    /// The words, in the page's language.
    pub(crate) w: Words,
    /// Whether letters are large.
    pub(crate) large: bool,
    /// The address of this page, for the links that change its language or letters.
    pub(crate) here: String,
    /// The names under which people know the service.
    pub(crate) brand: String,
    /// The controller's legal name.
    pub(crate) controller: String,
    /// The controller's domain.
    pub(crate) domain: String,
    /// The portal's address as people type it.
    pub(crate) portal: String,
    /// How to ask.
    pub(crate) contact: Contact,
    /// The languages there are.
    pub(crate) languages: Vec<Language>,
}

impl Frame {
    /// The frame for a visitor.
    pub(crate) fn portal(site: &Site, visitor: &Visitor) -> Self {
        let controller = &site.case.controller;
        Self {
            w: Words(visitor.language),
            large: visitor.large,
            here: visitor.here.clone(),
            brand: controller.brands.first().unwrap_or(&controller.name).clone(),
            controller: controller.name.clone(),
            domain: controller.domain.clone(),
            portal: site.case.mail.as_ref().map_or_else(|| format!("https://{}", controller.domain), |mail| mail.portal.clone()),
            contact: controller.contact.clone(),
            languages: site.case.case.page_languages(),
        }
    }

    /// The same frame in another language.
    pub(crate) fn in_language(self, language: Language) -> Self {
        Self { w: Words(language), ..self }
    }

    pub(crate) fn t(&self, key: &str) -> String {
        self.w.t(key)
    }

    pub(crate) fn t1(&self, key: &str, name: &str, value: impl Display) -> String {
        self.w.t1(key, name, value)
    }

    pub(crate) fn lang(&self) -> &'static str {
        self.w.0.tag()
    }

    pub(crate) fn style(&self) -> &'static str {
        crate::asset::style()
    }

    pub(crate) fn icon(&self) -> &'static str {
        crate::asset::icon()
    }

    /// The other languages: tag, name in itself, address of this page in it.
    pub(crate) fn others(&self) -> Vec<(&'static str, &'static str, String)> {
        let others = self.languages.iter().filter(|language| **language != self.w.0);
        others.map(|language| (language.tag(), own_name(*language), self.here_with("lang", language.tag()))).collect()
    }

    /// The address of this page with letters of the other size.
    pub(crate) fn other_size(&self) -> String {
        self.here_with("text", if self.large { "normal" } else { "large" })
    }

    fn here_with(&self, name: &str, value: &str) -> String {
        let joint = if self.here.contains('?') { '&' } else { '?' };
        format!("{}{joint}{name}={value}", self.here)
    }

    pub(crate) fn verdict(&self, verdict: &Verdict) -> &'static str {
        verdict.label(self.w.0)
    }

    /// A telephone number as an address to call.
    pub(crate) fn tel(&self) -> String {
        let digits = self.contact.phone.chars().filter(|c| c.is_ascii_digit() || *c == '+');
        format!("tel:{}", digits.collect::<String>())
    }
}

/// What a language is called by those who speak it.
pub(crate) const fn own_name(language: Language) -> &'static str {
    match language {
        Language::Ja => "日本語",
        Language::En => "English",
        Language::ZhHans => "简体中文",
        Language::ZhHant => "繁體中文",
        Language::Ko => "한국어",
    }
}
