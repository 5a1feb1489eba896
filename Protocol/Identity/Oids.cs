namespace FleetMdm.Protocol.Identity;

/// <summary>The object identifiers of RFC 5280, 5652, 2986, 8018 and 8894 that are used here.</summary>
internal static class Oids
{
    public const string Data = "1.2.840.113549.1.7.1";
    public const string SignedData = "1.2.840.113549.1.7.2";
    public const string EnvelopedData = "1.2.840.113549.1.7.3";

    public const string ContentType = "1.2.840.113549.1.9.3";
    public const string MessageDigest = "1.2.840.113549.1.9.4";
    public const string SigningTime = "1.2.840.113549.1.9.5";
    public const string ChallengePassword = "1.2.840.113549.1.9.7";

    public const string Md5 = "1.2.840.113549.2.5";
    public const string Sha1 = "1.3.14.3.2.26";
    public const string Sha256 = "2.16.840.1.101.3.4.2.1";
    public const string Sha384 = "2.16.840.1.101.3.4.2.2";
    public const string Sha512 = "2.16.840.1.101.3.4.2.3";

    public const string Rsa = "1.2.840.113549.1.1.1";
    public const string Md5WithRsa = "1.2.840.113549.1.1.4";
    public const string Sha1WithRsa = "1.2.840.113549.1.1.5";
    public const string Sha256WithRsa = "1.2.840.113549.1.1.11";
    public const string Sha384WithRsa = "1.2.840.113549.1.1.12";
    public const string Sha512WithRsa = "1.2.840.113549.1.1.13";

    public const string EcPublicKey = "1.2.840.10045.2.1";
    public const string EcdsaWithSha1 = "1.2.840.10045.4.1";
    public const string EcdsaWithSha256 = "1.2.840.10045.4.3.2";
    public const string EcdsaWithSha384 = "1.2.840.10045.4.3.3";
    public const string EcdsaWithSha512 = "1.2.840.10045.4.3.4";

    public const string P256 = "1.2.840.10045.3.1.7";
    public const string P384 = "1.3.132.0.34";
    public const string P521 = "1.3.132.0.35";

    public const string DesCbc = "1.3.14.3.2.7";
    public const string TripleDesCbc = "1.2.840.113549.3.7";
    public const string Aes128Cbc = "2.16.840.1.101.3.4.1.2";
    public const string Aes192Cbc = "2.16.840.1.101.3.4.1.22";
    public const string Aes256Cbc = "2.16.840.1.101.3.4.1.42";

    public const string OrganizationName = "2.5.4.10";

    public const string SubjectKeyIdentifier = "2.5.29.14";
    public const string KeyUsage = "2.5.29.15";
    public const string SubjectAlternativeName = "2.5.29.17";
    public const string BasicConstraints = "2.5.29.19";
    public const string NameConstraints = "2.5.29.30";
    public const string ExtendedKeyUsage = "2.5.29.37";

    public const string AnyUsage = "2.5.29.37.0";
    public const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";
    public const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";

    /// <summary>Our own, of the arc for UUIDs (ITU-T X.667): the SHA-256 of the identity certificate that this one renews.</summary>
    public const string RenewedCertificate = "2.25.190143742907489159071424055823607495697";

    /// <summary>Likewise: a certificate for the second step of an enrolment over the air, and which iPad it is for. Both in the same certificate, as its
    /// purpose and as an extension.</summary>
    public const string OverTheAirStep = "2.25.62426184357011795850990580554651514606";
    public const string OverTheAirDevice = "2.25.331603493877045019572027566255856253479";

    /// <summary>Apple's, in the leaf of an attestation (DeviceInformation response, DevicePropertiesAttestation).</summary>
    public const string AttestationArc = "1.2.840.113635.100.8.";
    public const string AttestedSerialNumber = AttestationArc + "9.1";
    public const string AttestedUdid = AttestationArc + "9.2";
    public const string AttestedSoftwareUpdateDeviceId = AttestationArc + "9.4";
    public const string AttestedOsVersion = AttestationArc + "10.1";
    public const string AttestedSepOsVersion = AttestationArc + "10.2";
    public const string AttestedFreshness = AttestationArc + "11.1";

    /// <summary>VeriSign's arc that SCEP took over (RFC 8894, 3.2).</summary>
    public const string ScepMessageType = "2.16.840.1.113733.1.9.2";
    public const string ScepPkiStatus = "2.16.840.1.113733.1.9.3";
    public const string ScepFailInfo = "2.16.840.1.113733.1.9.4";
    public const string ScepSenderNonce = "2.16.840.1.113733.1.9.5";
    public const string ScepRecipientNonce = "2.16.840.1.113733.1.9.6";
    public const string ScepTransactionId = "2.16.840.1.113733.1.9.7";
}
