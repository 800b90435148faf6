//! TLS to the server, as the address asks for it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::error::{Result, StoreError};

/// What an address asks for by `sslmode`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tls {
    /// `disable`, `allow`, `prefer`, or nothing: plain.
    Off,
    /// `require`: encrypted, whoever answers.
    Encrypted,
    /// `verify-ca`, `verify-full`, or any with `sslrootcert`: only a server whose certificate is for its name, by that file's authorities or
    /// else the machine's.
    Verified(Option<PathBuf>),
}

fn invalid(what: impl std::fmt::Display) -> StoreError {
    StoreError::Invalid(format!("the database's TLS cannot be set up: {what}"))
}

impl Tls {
    /// Takes `sslmode` and `sslrootcert` out of an address: the client library knows only some of their words.
    pub(super) fn split(url: &str) -> Result<(String, Self)> {
        let Some((address, query)) = url.split_once('?') else { return Ok((url.to_owned(), Tls::Off)) };
        let (mut mode, mut root, mut rest) = ("prefer", None, Vec::new());
        for parameter in query.split('&') {
            match parameter.split_once('=') {
                Some(("sslmode", value)) => mode = value,
                Some(("sslrootcert", value)) => root = Some(PathBuf::from(value)).filter(|_| value != "system"),
                _ => rest.push(parameter),
            }
        }
        let tls = match (mode, root) {
            ("disable" | "allow" | "prefer", _) => Tls::Off,
            ("require", None) => Tls::Encrypted,
            ("require" | "verify-ca" | "verify-full", root) => Tls::Verified(root),
            (other, _) => return Err(invalid(format!("sslmode={other} is not known; give disable, require or verify-full"))),
        };
        let rest = rest.join("&");
        Ok((if rest.is_empty() { address.to_owned() } else { format!("{address}?{rest}") }, tls))
    }

    /// What makes the connections; `None` for plain ones.
    pub(super) fn connector(&self) -> Result<Option<MakeRustlsConnect>> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions().map_err(invalid)?;
        let config = match self {
            Self::Off => return Ok(None),
            Self::Encrypted => builder.dangerous().with_custom_certificate_verifier(Arc::new(Anybody(provider))).with_no_client_auth(),
            Self::Verified(root) => builder.with_root_certificates(authorities(root.as_deref())?).with_no_client_auth(),
        };
        Ok(Some(MakeRustlsConnect::new(config)))
    }
}

fn authorities(file: Option<&Path>) -> Result<RootCertStore> {
    let mut store = RootCertStore::empty();
    match file {
        Some(file) => {
            let failed = |e| invalid(format!("{}: {e}; name a PEM file by sslrootcert", file.display()));
            for certificate in CertificateDer::pem_file_iter(file).map_err(failed)? {
                store.add(certificate.map_err(failed)?).map_err(invalid)?;
            }
        }
        None => {
            // One that cannot be read is one that vouches for nobody.
            store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    if store.is_empty() {
        return Err(invalid("no certificate authority was found; name a PEM file by sslrootcert"));
    }
    Ok(store)
}

/// Takes every certificate, as `sslmode=require` means it; that the server has its key is still proved.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tls_is_what_the_address_asks_for() {
        let plain = "postgres://u@h/d";
        for (query, rest, tls) in [
            ("", "", Tls::Off),
            ("?sslmode=disable", "", Tls::Off),
            ("?sslmode=require", "", Tls::Encrypted),
            ("?connect_timeout=3&sslmode=verify-full", "?connect_timeout=3", Tls::Verified(None)),
            ("?sslmode=require&sslrootcert=/etc/ca.pem", "", Tls::Verified(Some("/etc/ca.pem".into()))),
            ("?sslmode=verify-full&sslrootcert=system", "", Tls::Verified(None)),
        ] {
            assert_eq!(Tls::split(&format!("{plain}{query}")), Ok((format!("{plain}{rest}"), tls)), "{query}");
        }
        assert!(Tls::split("postgres://h/d?sslmode=maybe").is_err());
    }
}
