using System.Security.Cryptography;
using System.Security.Cryptography.Pkcs;
using System.Security.Cryptography.X509Certificates;
using FleetMdm.Protocol.Identity;

namespace FleetMdm.Protocol.Tests.Identity;

/// <summary>Keys are dear, so the tests share them. Signatures are made by .NET's SignedCms: not by what is tested.</summary>
internal static class TestPki
{
    public static readonly DateTimeOffset Now = new(2026, 3, 2, 8, 0, 0, TimeSpan.Zero);

    public static readonly KeyedCertificate Root = CertificateAuthority.CreateRoot(CaKeyType.EcP256, "District", Now, TimeSpan.FromDays(7300));
    public static readonly CertificateAuthority Ca = new(Root);

    public static readonly ECDsa EcKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    public static readonly RSA RsaKey = RSA.Create(2048);

    public static readonly X509Certificate2 EcIdentity = Identity(EcKey);
    public static readonly X509Certificate2 RsaIdentity = Identity(RsaKey);

    public static CertificateRequest Request(AsymmetricAlgorithm key, string subject, HashAlgorithmName? hash = null) => key is ECDsa ec
        ? new CertificateRequest(subject, ec, hash ?? HashAlgorithmName.SHA256)
        : new CertificateRequest(subject, (RSA)key, hash ?? HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);

    public static byte[] Csr(AsymmetricAlgorithm key, string subject = "CN=iPad", string? challenge = null, HashAlgorithmName? hash = null)
    {
        var request = Request(key, subject, hash);
        if (challenge is not null)
            request.OtherRequestAttributes.Add(new AsnEncodedData("1.2.840.113549.1.9.7", PrintableString(challenge)));
        return hash == HashAlgorithmName.SHA1 ? request.CreateSigningRequest(new Sha1Generator((RSA)key)) : request.CreateSigningRequest();
    }

    /// <summary>.NET's own refuses to make such a certificate, or such a request.</summary>
    public sealed class Sha1Generator(RSA key) : X509SignatureGenerator
    {
        public override byte[] GetSignatureAlgorithmIdentifier(HashAlgorithmName hashAlgorithm) =>
            [0x30, 0x0D, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x05, 0x05, 0x00];

        public override byte[] SignData(byte[] data, HashAlgorithmName hashAlgorithm) => key.SignData(data, HashAlgorithmName.SHA1, RSASignaturePadding.Pkcs1);

        protected override PublicKey BuildPublicKey() => PublicKey.CreateFromSubjectPublicKeyInfo(key.ExportSubjectPublicKeyInfo(), out _);
    }

    /// <summary>The bytes as they are, as a client writes them that does not look at the rules of PrintableString.</summary>
    public static byte[] PrintableString(string text) => text.Length switch
    {
        < 128 => [0x13, (byte)text.Length, .. System.Text.Encoding.UTF8.GetBytes(text)],
        < 256 => [0x13, 0x81, (byte)text.Length, .. System.Text.Encoding.UTF8.GetBytes(text)],
        _ => [0x13, 0x82, (byte)(text.Length >> 8), (byte)text.Length, .. System.Text.Encoding.UTF8.GetBytes(text)],
    };

    public static X509Certificate2 Identity(AsymmetricAlgorithm key, CertificateAuthority? ca = null, DateTimeOffset? now = null)
    {
        var csr = CertificateSigningRequest.Parse(Csr(key));
        return WithKey((ca ?? Ca).IssueIdentity(csr, now ?? Now, TimeSpan.FromDays(365)).Der.ToArray(), key);
    }

    public static X509Certificate2 WithKey(byte[] der, AsymmetricAlgorithm key)
    {
        using var certificate = X509CertificateLoader.LoadCertificate(der);
        return key is ECDsa ec ? certificate.CopyWithPrivateKey(ec) : certificate.CopyWithPrivateKey((RSA)key);
    }

    /// <summary>A certificate that no CA of ours would make.</summary>
    public static X509Certificate2 Custom(AsymmetricAlgorithm key, string subject, Action<CertificateRequest> change, X509Certificate2? issuer = null,
        HashAlgorithmName? hash = null)
    {
        var request = Request(key, subject, hash);
        change(request);
        if (issuer is null)
            return request.CreateSelfSigned(Now.AddHours(-1), Now.AddDays(365));
        X509SignatureGenerator generator = issuer.GetECDsaPrivateKey() is { } ec
            ? X509SignatureGenerator.CreateForECDsa(ec)
            : X509SignatureGenerator.CreateForRSA(issuer.GetRSAPrivateKey()!, RSASignaturePadding.Pkcs1);
        return WithKey(request.Create(issuer.SubjectName, generator, Now.AddHours(-1), Now.AddDays(365), RandomNumberGenerator.GetBytes(8)).RawData, key);
    }

    public static byte[] Sign(byte[] body, X509Certificate2 signer, string digest = "2.16.840.1.101.3.4.2.1", bool attributes = true,
        bool detached = true, SubjectIdentifierType identifier = SubjectIdentifierType.IssuerAndSerialNumber)
    {
        var cms = new SignedCms(new ContentInfo(body), detached);
        var cmsSigner = new CmsSigner(identifier, signer) { DigestAlgorithm = new Oid(digest), IncludeOption = X509IncludeOption.EndCertOnly };
        if (attributes)
            cmsSigner.SignedAttributes.Add(new Pkcs9SigningTime(Now.UtcDateTime));
        cms.ComputeSignature(cmsSigner);
        return cms.Encode();
    }

    public static string Header(byte[] body, X509Certificate2 signer, bool lineBreaks = false) =>
        Convert.ToBase64String(Sign(body, signer), lineBreaks ? Base64FormattingOptions.InsertLineBreaks : Base64FormattingOptions.None);

    public static IdentityVerifier Verifier(TimeSpan grace = default, IReadOnlyList<IdentityCertificate>? trusted = null, WeakestHash certificates = WeakestHash.Sha256,
        int capacity = 1000) =>
        new(new IdentityVerifierSettings
        {
            OwnCas = [Ca.Certificate],
            TrustedCas = trusted ?? [],
            ExpiredGrace = grace,
            TrustedCertificates = certificates,
            CacheCapacity = capacity,
        });

    public static IdentityRefusal Refusal(Action action) => Assert.Throws<IdentityException>(action).Refusal;

    /// <summary>Runs a program that nobody here wrote; fails with what it said.</summary>
    public static string Run(string program, string arguments, bool expectFailure = false)
    {
        using var process = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo(program, arguments)
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        })!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        Assert.True(process.WaitForExit(TimeSpan.FromSeconds(60)), $"{program} did not end.");
        var all = output + error.GetAwaiter().GetResult();
        Assert.True(process.ExitCode == 0 != expectFailure, $"{program} {arguments} ended with {process.ExitCode}: {all}");
        return all;
    }
}
