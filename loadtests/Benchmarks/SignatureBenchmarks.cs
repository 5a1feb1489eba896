using System.Security.Cryptography;
using System.Security.Cryptography.Pkcs;
using System.Security.Cryptography.X509Certificates;
using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Toolchains.InProcess.NoEmit;
using FleetMdm.Protocol.Identity;

namespace FleetMdm.Benchmarks;

/// <summary>
/// What <c>Mdm-Signature</c> costs a request. The baseline is the framework's SignedCms, which only checks the signature; ours also
/// decides whether the certificate may identify an iPad, as it does for each message of an iPad that it has met before.
/// </summary>
[Config(typeof(InThisProcess))]
[MemoryDiagnoser]
public class SignatureBenchmarks
{
    private readonly byte[] _body = RandomNumberGenerator.GetBytes(900);
    private string _header = "";
    private IdentityVerifier? _verifier;
    private DateTimeOffset _now;

    public enum Key
    {
        Rsa2048,
        EcP256,
    }

    [ParamsAllValues]
    public Key Signer { get; set; }

    [GlobalSetup]
    public void Sign()
    {
        _now = TimeProvider.System.GetUtcNow();
        using var caKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var caRequest = new CertificateRequest("CN=Benchmark CA", caKey, HashAlgorithmName.SHA256);
        caRequest.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var ca = caRequest.CreateSelfSigned(_now.AddDays(-1), _now.AddYears(1));

        using var certificate = Signer == Key.Rsa2048 ? IssueRsa(ca) : IssueEc(ca);
        var cms = new SignedCms(new ContentInfo(_body), detached: true);
        cms.ComputeSignature(new CmsSigner(certificate) { IncludeOption = X509IncludeOption.EndCertOnly });
        _header = Convert.ToBase64String(cms.Encode());
        _verifier = new IdentityVerifier(new IdentityVerifierSettings { OwnCas = [IdentityCertificate.Parse(ca.RawData)] });
    }

    [Benchmark(Baseline = true)]
    public int SignedCmsAlone()
    {
        var cms = new SignedCms(new ContentInfo(_body), detached: true);
        cms.Decode(Convert.FromBase64String(_header));
        cms.CheckSignature(verifySignatureOnly: true);
        return cms.Certificates.Count;
    }

    [Benchmark]
    public bool SignatureAndIdentity() => _verifier!.VerifySignature(_body, _header, _now).Expired;

    private X509Certificate2 IssueRsa(X509Certificate2 ca)
    {
        using var key = RSA.Create(2048);
        using var issued = Issue(new CertificateRequest("CN=iPad", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1), ca);
        return issued.CopyWithPrivateKey(key);
    }

    private X509Certificate2 IssueEc(X509Certificate2 ca)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var issued = Issue(new CertificateRequest("CN=iPad", key, HashAlgorithmName.SHA256), ca);
        return issued.CopyWithPrivateKey(key);
    }

    private X509Certificate2 Issue(CertificateRequest request, X509Certificate2 ca)
    {
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.2")], false));
        var generator = X509SignatureGenerator.CreateForECDsa(ca.GetECDsaPrivateKey()!);
        return request.Create(ca.SubjectName, generator, _now.AddHours(-1), _now.AddDays(300), RandomNumberGenerator.GetBytes(16));
    }

    private sealed class InThisProcess : ManualConfig
    {
        public InThisProcess() => AddJob(Job.ShortRun.WithToolchain(new InProcessNoEmitToolchain(TimeSpan.FromMinutes(10), logOutput: true)));
    }
}
