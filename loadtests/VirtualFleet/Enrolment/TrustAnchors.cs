using System.Security.Cryptography.X509Certificates;

namespace FleetMdm.VirtualFleet.Enrolment;

/// <summary>The root certificates that an iPad was told to trust, by its owner or by a trust profile. Nothing else is trusted.</summary>
public sealed class TrustAnchors(IReadOnlyCollection<X509Certificate2> roots)
{
    public IReadOnlyCollection<X509Certificate2> Roots => roots;

    /// <param name="path">One or more certificates in PEM.</param>
    public static TrustAnchors FromPemFile(string path) => FromPem(File.ReadAllText(path));

    /// <param name="pem">One or more certificates in PEM.</param>
    public static TrustAnchors FromPem(string pem)
    {
        var certificates = new X509Certificate2Collection();
        certificates.ImportFromPem(pem);
        if (certificates.Count == 0)
            throw new ArgumentException("There is no certificate in the PEM text.", nameof(pem));
        return new TrustAnchors([.. certificates]);
    }

    /// <summary>The certificates of a trust profile: what a person installs, and turns on in Settings, before enrolling at a
    /// server with a certificate of its own CA.</summary>
    public static TrustAnchors FromProfile(byte[] profile) =>
        ConfigurationProfile.Read(profile).Certificates() is { Count: > 0 } roots
            ? new TrustAnchors(roots)
            : throw new EnrolmentException("The trust profile holds no certificate.");

    /// <summary>A chain policy that ends in these roots and asks no one else.</summary>
    public X509ChainPolicy NewPolicy(DateTimeOffset? at = null)
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
        };
        if (at is { } time)
            policy.VerificationTime = time.UtcDateTime;
        foreach (var root in roots)
            policy.CustomTrustStore.Add(root);
        return policy;
    }

    /// <summary>Null when the certificate's chain ends in one of these roots and is valid at that time, else why not.</summary>
    public string? WhyNotTrusted(X509Certificate2 certificate, X509Certificate2Collection others, DateTimeOffset at)
    {
        using var chain = new X509Chain { ChainPolicy = NewPolicy(at) };
        chain.ChainPolicy.ExtraStore.AddRange(others);
        return chain.Build(certificate)
            ? null
            : string.Join(", ", chain.ChainStatus.Select(status => status.StatusInformation.Trim()));
    }
}
