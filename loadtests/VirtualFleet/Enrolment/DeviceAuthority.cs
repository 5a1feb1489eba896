using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace FleetMdm.VirtualFleet.Enrolment;

/// <summary>
/// The factory's authority: a simulated Apple iPhone Device CA, which gives each simulated iPad its device certificate. As old as Apple's: SHA-1, RSA of
/// 1,024 bits, and ended years ago.
/// </summary>
public sealed class DeviceAuthority : IDisposable
{
    private const int KeyBits = 1024;

    private readonly RSA _key = RSA.Create(KeyBits);
    private readonly X509Certificate2 _certificate;
    private readonly TimeProvider _time;

    public DeviceAuthority(TimeProvider? time = null)
    {
        _time = time ?? TimeProvider.System;
        var request = new CertificateRequest("CN=Simulated iPhone Device CA, OU=Simulation, O=FleetMdm", _key, HashAlgorithmName.SHA1, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        _certificate = request.Create(request.SubjectName, new Sha1Generator(_key), new DateTimeOffset(2007, 4, 16, 0, 0, 0, TimeSpan.Zero),
            new DateTimeOffset(2014, 4, 16, 0, 0, 0, TimeSpan.Zero), RandomNumberGenerator.GetBytes(8));
    }

    /// <summary>For <c>OverTheAir:DeviceCaFiles</c> of the server under test.</summary>
    public string Pem => _certificate.ExportCertificatePem();

    /// <summary>A device certificate with its key. Its subject is a UUID, as Apple's.</summary>
    /// <param name="lifetime">Null: three years.</param>
    public DeviceIdentity Issue(TimeSpan? lifetime = null)
    {
        using var key = RSA.Create(KeyBits);
        var now = _time.GetUtcNow();
        var request = new CertificateRequest($"CN={Guid.NewGuid().ToString().ToUpperInvariant()}, OU=iPhone, O=FleetMdm", key, HashAlgorithmName.SHA1, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.KeyEncipherment, true));
        using var certificate = request.Create(_certificate.SubjectName, new Sha1Generator(_key), now.AddDays(-30),
            now + (lifetime ?? TimeSpan.FromDays(3 * 365)), RandomNumberGenerator.GetBytes(10));
        return new DeviceIdentity(certificate.CopyWithPrivateKey(key));
    }

    public void Dispose()
    {
        _certificate.Dispose();
        _key.Dispose();
    }

    /// <summary>.NET's own refuses to make a certificate with SHA-1, and so does OpenSSL where the policy of the machine forbids it: the signature is
    /// made with the key alone.</summary>
    private sealed class Sha1Generator(RSA key) : X509SignatureGenerator
    {
        private static readonly byte[] DigestInfo = [0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2B, 0x0E, 0x03, 0x02, 0x1A, 0x05, 0x00, 0x04, 0x14];

        public override byte[] GetSignatureAlgorithmIdentifier(HashAlgorithmName hashAlgorithm) =>
            [0x30, 0x0D, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x05, 0x05, 0x00];

        /// <summary>RSASSA-PKCS1-v1_5 (RFC 8017, 8.2.1), written out.</summary>
        public override byte[] SignData(byte[] data, HashAlgorithmName hashAlgorithm)
        {
            var parameters = key.ExportParameters(includePrivateParameters: true);
            var padded = new byte[KeyBits / 8];
            padded.AsSpan().Fill(0xFF);
            padded[0] = 0;
            padded[1] = 1;
            var hash = SHA1.HashData(data);
            padded[^(hash.Length + DigestInfo.Length + 1)] = 0;
            DigestInfo.CopyTo(padded.AsSpan(padded.Length - hash.Length - DigestInfo.Length));
            hash.CopyTo(padded.AsSpan(padded.Length - hash.Length));
            var number = System.Numerics.BigInteger.ModPow(Number(padded), Number(parameters.D!), Number(parameters.Modulus!));
            var signature = new byte[padded.Length];
            var bytes = number.ToByteArray(isUnsigned: true, isBigEndian: true);
            bytes.CopyTo(signature.AsSpan(signature.Length - bytes.Length));
            return signature;
        }

        protected override PublicKey BuildPublicKey() => PublicKey.CreateFromSubjectPublicKeyInfo(key.ExportSubjectPublicKeyInfo(), out _);

        private static System.Numerics.BigInteger Number(byte[] bytes) => new(bytes, isUnsigned: true, isBigEndian: true);
    }
}
