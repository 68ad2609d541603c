//! Security contexts: what several of their fields have to say together.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{
    AppArmorProfile, PodSecurityContext, SeccompProfile, SecurityContext,
    WindowsSecurityContextOptions,
};
use locust_api::condition::Reason;
use locust_api::latest::LocustTestSpec;

use super::{Found, Kind, forms};

pub(super) fn judge(spec: &LocustTestSpec, found: &mut Found) {
    let mut found = found.of(Reason::InvalidSecurity);
    let Some(security) = &spec.security else {
        return;
    };
    if let Some(context) = &security.pod_security_context {
        pod("spec.security.podSecurityContext", context, &mut found);
    }
    if let Some(context) = &security.container_security_context {
        container(
            "spec.security.containerSecurityContext",
            context,
            &mut found,
        );
    }
}

fn pod(field: &str, context: &PodSecurityContext, found: &mut Kind<'_>) {
    profiles(
        field,
        context.seccomp_profile.as_ref(),
        context.app_armor_profile.as_ref(),
        found,
    );
    windows(field, context.windows_options.as_ref(), found);
    let mut names = BTreeSet::new();
    for (index, sysctl) in context.sysctls.iter().flatten().enumerate() {
        if !names.insert(&sysctl.name) {
            let field = format!("{field}.sysctls[{index}].name");
            found.add(field, format!("{} is set twice", sysctl.name));
        }
    }
}

fn container(field: &str, context: &SecurityContext, found: &mut Kind<'_>) {
    profiles(
        field,
        context.seccomp_profile.as_ref(),
        context.app_armor_profile.as_ref(),
        found,
    );
    windows(field, context.windows_options.as_ref(), found);
    let added = context
        .capabilities
        .as_ref()
        .and_then(|capabilities| capabilities.add.as_deref())
        .unwrap_or_default();
    let is_admin = added.iter().any(|capability| capability == "CAP_SYS_ADMIN");
    if context.allow_privilege_escalation == Some(false)
        && (context.privileged == Some(true) || is_admin)
    {
        found.add(
            format!("{field}.allowPrivilegeEscalation"),
            "cannot be false for a container that is privileged or has CAP_SYS_ADMIN",
        );
    }
    if context.proc_mount.as_deref() == Some("Unmasked") {
        found.add(
            format!("{field}.procMount"),
            "Unmasked needs a pod with its own users, which these pods are not: leave it out",
        );
    }
}

fn profiles(
    field: &str,
    seccomp: Option<&SeccompProfile>,
    app_armor: Option<&AppArmorProfile>,
    found: &mut Kind<'_>,
) {
    if let Some(SeccompProfile {
        type_,
        localhost_profile,
    }) = seccomp
    {
        let field = format!("{field}.seccompProfile.localhostProfile");
        match (type_.as_str(), localhost_profile) {
            ("Localhost", None) => found.add(field, "is needed for the type Localhost"),
            ("Localhost", Some(path)) => found.check(field, forms::path_below(path)),
            (_, Some(_)) => found.add(field, "is only for the type Localhost"),
            (_, None) => {}
        }
    }
    if let Some(AppArmorProfile {
        type_,
        localhost_profile,
    }) = app_armor
    {
        let field = format!("{field}.appArmorProfile.localhostProfile");
        match (type_.as_str(), localhost_profile) {
            ("Localhost", None) => found.add(field, "is needed for the type Localhost"),
            ("Localhost", Some(name)) if name.is_empty() || name.trim() != name => {
                found.add(field, "must be a name without white space around it");
            }
            ("Localhost", Some(_)) | (_, None) => {}
            (_, Some(_)) => found.add(field, "is only for the type Localhost"),
        }
    }
}

fn windows(field: &str, options: Option<&WindowsSecurityContextOptions>, found: &mut Kind<'_>) {
    let Some(options) = options else {
        return;
    };
    let field = format!("{field}.windowsOptions");
    if options.host_process == Some(true) {
        found.add(
            format!("{field}.hostProcess"),
            "needs the host's network, which these pods do not use: leave it out",
        );
    }
    if let Some(name) = &options.run_as_user_name {
        found.check(format!("{field}.runAsUserName"), user_name(name));
    }
}

/// `user` or `DOMAIN\user`, as Windows takes it.
fn user_name(name: &str) -> Option<&'static str> {
    let parts: Vec<&str> = name.split('\\').collect();
    let (domain, user) = match parts.as_slice() {
        [user] => (None, *user),
        [domain, user] => (Some(*domain), *user),
        _ => return Some("must have at most one backslash"),
    };
    let is_user = !user.is_empty()
        && user.chars().count() <= 104
        && !user.chars().all(|c| c == '.' || c == ' ')
        && !user.contains([
            '"', '/', ':', ';', '|', '=', ',', '+', '*', '?', '<', '>', '@', '[', ']',
        ]);
    let is_good = is_user && domain.is_none_or(is_domain) && !name.chars().any(char::is_control);
    (!is_good).then_some("must be a user of Windows, with or without a domain in front")
}

/// A NetBIOS name, or a DNS name.
fn is_domain(domain: &str) -> bool {
    let is_netbios = !domain.is_empty()
        && domain.len() <= 15
        && !domain.contains(['\\', '/', ':', '*', '?', '"', '<', '>', '|'])
        && !domain.starts_with('.');
    let is_dns = domain.split('.').all(|label| {
        label.starts_with(|c: char| c.is_ascii_alphabetic())
            && label.ends_with(|c: char| c.is_ascii_alphanumeric())
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    });
    domain.len() < 256 && (is_netbios || is_dns)
}
