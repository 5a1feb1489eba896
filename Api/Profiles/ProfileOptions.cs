using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace FleetMdm.Api.Profiles;

/// <summary>Who signs the profiles of the library.</summary>
public enum ProfileSigningMode
{
    /// <summary>This server's certificate authority: what signs the enrolment profile, too.</summary>
    Ca,
    /// <summary>A certificate of the district's.</summary>
    Certificate,
    /// <summary>Nobody: iPads show that the profile is not signed.</summary>
    None,
}

/// <summary>Section <c>Profiles</c>: the library of profiles.</summary>
public sealed class ProfileOptions
{
    public const string Section = "Profiles";

    /// <summary>Who signs the profiles of the library: Ca, Certificate or None. Profiles that come signed stay as they are.</summary>
    public ProfileSigningMode Signing { get; set; } = ProfileSigningMode.Ca;

    /// <summary>With Certificate: a PKCS #12 file (.p12, .pfx) with the certificate, its private key and the certificates that issued it.</summary>
    public string? SigningCertificateFile { get; set; }

    /// <summary>A file with the password of that file in its first line; without it, the file has no password.</summary>
    public string? SigningPasswordFile { get; set; }

    /// <summary>A sentence on what is wrong, or null.</summary>
    public string? FindFault()
    {
        if (!Enum.IsDefined(Signing)) return $"Profiles:Signing must be Ca, Certificate or None, but is {Signing}.";
        if (Signing != ProfileSigningMode.Certificate)
        {
            return SigningCertificateFile is not null || SigningPasswordFile is not null
                ? $"Profiles:SigningCertificateFile and Profiles:SigningPasswordFile are used with Profiles:Signing=Certificate only, and it is {Signing}."
                : null;
        }

        if (SigningCertificateFile is null) return "Profiles:Signing=Certificate needs Profiles:SigningCertificateFile, a PKCS #12 file.";
        if (!File.Exists(SigningCertificateFile)) return $"Profiles:SigningCertificateFile names \"{SigningCertificateFile}\", which is not there.";
        if (SigningPasswordFile is not null && !File.Exists(SigningPasswordFile)) return $"Profiles:SigningPasswordFile names \"{SigningPasswordFile}\", which is not there.";
        try
        {
            using var signer = LoadSigner(out _);
            return null;
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            return $"Profiles:SigningCertificateFile, \"{SigningCertificateFile}\", cannot be used: {e.Message}";
        }
    }

    /// <summary>The certificate with its private key.</summary>
    /// <param name="issuers">The other certificates of the file, DER.</param>
    /// <exception cref="CryptographicException">Another file, another password, or no key in it.</exception>
    internal X509Certificate2 LoadSigner(out IReadOnlyList<ReadOnlyMemory<byte>> issuers)
    {
        var password = SigningPasswordFile is null ? "" : File.ReadLines(SigningPasswordFile).FirstOrDefault() ?? "";
        var all = X509CertificateLoader.LoadPkcs12CollectionFromFile(SigningCertificateFile!, password, X509KeyStorageFlags.EphemeralKeySet);
        var signer = all.FirstOrDefault(certificate => certificate.HasPrivateKey)
            ?? throw new CryptographicException("it holds no certificate with a private key.");
        issuers = [.. all.Where(certificate => !ReferenceEquals(certificate, signer)).Select(certificate => (ReadOnlyMemory<byte>)certificate.RawData)];
        foreach (var other in all)
        {
            if (!ReferenceEquals(other, signer)) other.Dispose();
        }

        return signer;
    }
}
