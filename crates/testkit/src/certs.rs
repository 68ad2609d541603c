//! The cluster's certificates and kubeconfigs, written into `pki/` of the
//! state directory. Keys are EC P-256; every client is a certificate whose
//! common name is the user and whose organization is the group.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

/// The API server's address inside the sandbox.
pub const API_SERVER: &str = "https://127.0.0.1:6443";

const MASTERS: &str = "system:masters";

/// The directory with everything that proves identities in one cluster.
#[derive(Debug, Clone)]
pub struct Pki {
    dir: PathBuf,
}

/// A certificate to be made.
struct Leaf<'a> {
    file: &'a str,
    common_name: &'a str,
    group: Option<&'a str>,
    /// Names and addresses of a server; empty for a client.
    names: &'a [&'a str],
}

const fn client<'a>(file: &'a str, common_name: &'a str, group: Option<&'a str>) -> Leaf<'a> {
    Leaf {
        file,
        common_name,
        group,
        names: &[],
    }
}

const fn server<'a>(file: &'a str, common_name: &'a str, names: &'a [&'a str]) -> Leaf<'a> {
    Leaf {
        file,
        common_name,
        group: None,
        names,
    }
}

const SERVERS: &[Leaf<'static>] = &[
    server(
        "apiserver",
        "kube-apiserver",
        &[
            "localhost",
            "kubernetes",
            "kubernetes.default",
            "kubernetes.default.svc",
            "kubernetes.default.svc.cluster.local",
            "127.0.0.1",
            "10.96.0.1",
            "10.10.0.1",
        ],
    ),
    server("kubelet", "node1", &["node1", "10.10.0.1", "127.0.0.1"]),
];

/// Clients that also get a kubeconfig of the same name.
const USERS: &[Leaf<'static>] = &[
    client("admin", "admin", Some(MASTERS)),
    client("controller-manager", "system:kube-controller-manager", None),
    client("scheduler", "system:kube-scheduler", None),
    client("node1", "system:node:node1", Some("system:nodes")),
    client("proxy", "system:kube-proxy", None),
    client("coredns", "system:coredns", None),
    client("kwok", "kwok", Some(MASTERS)),
];

const KUBELET_CLIENT: Leaf<'static> = client(
    "apiserver-kubelet-client",
    "kube-apiserver-kubelet-client",
    Some(MASTERS),
);

impl Pki {
    /// Makes two authorities, all servers' and clients' certificates and the
    /// key pair that signs ServiceAccount tokens.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn create(dir: &Path) -> Result<Self> {
        let pki = Self::open(dir);
        let authority = pki.create_authority("ca", "testkit-ca")?;
        for leaf in SERVERS.iter().chain([&KUBELET_CLIENT]) {
            pki.sign(&authority, leaf)?;
        }
        for leaf in USERS {
            pki.sign(&authority, leaf)?;
            pki.write_kubeconfig(leaf.file, leaf.file, API_SERVER, &pki.path("ca.crt"))?;
        }
        let front_proxy = pki.create_authority("front-proxy-ca", "testkit-front-proxy-ca")?;
        pki.sign(
            &front_proxy,
            &client("front-proxy-client", "front-proxy-client", None),
        )?;
        let service_accounts = KeyPair::generate()?;
        pki.write("sa.key", &service_accounts.serialize_pem())?;
        pki.write("sa.pub", &service_accounts.public_key_pem())?;
        Ok(pki)
    }

    /// The certificates that an earlier [`Pki::create`] wrote.
    #[must_use]
    pub fn open(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
        }
    }

    /// A file of the directory.
    #[must_use]
    pub fn path(&self, file: &str) -> PathBuf {
        self.dir.join(file)
    }

    /// A certificate and kubeconfig for `user` in `group`, in new files.
    ///
    /// # Errors
    /// When the authority's key cannot be read or a file not be written.
    pub fn add_user(&self, user: &str, group: Option<&str>) -> Result<PathBuf> {
        let file = self.add_client(user, group)?;
        self.write_kubeconfig(&file, &file, API_SERVER, &self.path("ca.crt"))
    }

    /// A certificate for `user` in `group`; returns the files' base name.
    ///
    /// # Errors
    /// When the authority's key cannot be read or a file not be written.
    pub fn add_client(&self, user: &str, group: Option<&str>) -> Result<String> {
        let file = unique_name(&format!("user-{}", user.replace([':', '/'], "-")));
        let authority = self.load_authority()?;
        self.sign(&authority, &client(&file, user, group))?;
        Ok(file)
    }

    /// A certificate for a server of this cluster at `names`.
    ///
    /// # Errors
    /// When the authority's key cannot be read or a file not be written.
    pub fn add_server(&self, file: &str, names: &[&str]) -> Result<()> {
        let authority = self.load_authority()?;
        self.sign(&authority, &server(file, file, names))
    }

    /// A kubeconfig `<file>.kubeconfig` for the client certificate `client`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_kubeconfig(
        &self,
        file: &str,
        client: &str,
        server: &str,
        authority: &Path,
    ) -> Result<PathBuf> {
        let user = serde_json::json!({
            "client-certificate": self.path(&format!("{client}.crt")),
            "client-key": self.path(&format!("{client}.key")),
        });
        self.write_kubeconfig_of(file, &user, server, authority)
    }

    /// A kubeconfig `<file>.kubeconfig` for a bearer token.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_token_kubeconfig(&self, file: &str, token: &str, server: &str) -> Result<PathBuf> {
        let user = serde_json::json!({"token": token});
        self.write_kubeconfig_of(file, &user, server, &self.path("ca.crt"))
    }

    fn write_kubeconfig_of(
        &self,
        file: &str,
        user: &serde_json::Value,
        server: &str,
        authority: &Path,
    ) -> Result<PathBuf> {
        let kubeconfig = serde_json::json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "testkit", "cluster": {
                "server": server,
                "certificate-authority": authority,
            }}],
            "users": [{"name": file, "user": user}],
            "contexts": [{"name": "testkit", "context": {"cluster": "testkit", "user": file}}],
            "current-context": "testkit",
        });
        let name = format!("{file}.kubeconfig");
        self.write(&name, &serde_json::to_string_pretty(&kubeconfig)?)?;
        Ok(self.path(&name))
    }

    fn create_authority(&self, file: &str, name: &str) -> Result<Issuer<'static, KeyPair>> {
        let key = KeyPair::generate()?;
        let params = authority_params(name);
        self.write(&format!("{file}.crt"), &params.self_signed(&key)?.pem())?;
        self.write(&format!("{file}.key"), &key.serialize_pem())?;
        Ok(Issuer::new(params, key))
    }

    /// The main authority again, from its key: its parameters never vary.
    fn load_authority(&self) -> Result<Issuer<'static, KeyPair>> {
        let path = self.path("ca.key");
        let key = fs::read_to_string(&path)
            .with_context(|| format!("read the test cluster's CA key {}", path.display()))?;
        Ok(Issuer::new(
            authority_params("testkit-ca"),
            KeyPair::from_pem(&key)?,
        ))
    }

    fn sign(&self, authority: &Issuer<'static, KeyPair>, leaf: &Leaf<'_>) -> Result<()> {
        let key = KeyPair::generate()?;
        let names: Vec<String> = leaf.names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name = rcgen::DistinguishedName::new();
        params
            .distinguished_name
            .push(DnType::CommonName, leaf.common_name);
        if let Some(group) = leaf.group {
            params
                .distinguished_name
                .push(DnType::OrganizationName, group);
        }
        params.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyEncipherment,
        ];
        params.extended_key_usages = vec![if leaf.names.is_empty() {
            ExtendedKeyUsagePurpose::ClientAuth
        } else {
            ExtendedKeyUsagePurpose::ServerAuth
        }];
        let certificate = params.signed_by(&key, authority)?;
        self.write(&format!("{}.crt", leaf.file), &certificate.pem())?;
        self.write(&format!("{}.key", leaf.file), &key.serialize_pem())
    }

    /// Replaces a file at once: another process may be reading it.
    fn write(&self, file: &str, content: &str) -> Result<()> {
        let path = self.path(file);
        let mut new = tempfile::NamedTempFile::new_in(&self.dir)?;
        std::io::Write::write_all(&mut new, content.as_bytes())?;
        new.persist(&path)
            .with_context(|| format!("write {}", path.display()))?;
        Ok(())
    }
}

/// A base name for files that no other process or thread that shares the
/// cluster uses.
pub(crate) fn unique_name(prefix: &str) -> String {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    format!("{prefix}-{}-{count}", std::process::id())
}

fn authority_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![
        KeyUsagePurpose::KeyCertSign,
        KeyUsagePurpose::CrlSign,
        KeyUsagePurpose::DigitalSignature,
    ];
    params
}
