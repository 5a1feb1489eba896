namespace FleetMdm.Api.Enrolment;

/// <summary>Section <c>Scep</c>: the identity certificates that iPads get.</summary>
public sealed class ScepOptions
{
    public const string Section = "Scep";

    /// <summary>30 to 3650. Five years is an iPad's life in a school. An identity is pinned to its iPad and refused as soon as
    /// an administrator removes it, so a long life costs little; one that ends costs a visit to every iPad.</summary>
    public int CertificateLifetimeDays { get; set; } = 1825;

    /// <summary>How long after fetching an enrolment profile it can still be installed, 5 minutes to 7 days: someone has to find
    /// it in the iPad's settings and confirm it there.</summary>
    public int ChallengeLifetimeMinutes { get; set; } = 60;

    /// <summary>Take DES and MD5 from SCEP clients, and SHA-1 in certificates of <c>Mdm:TrustedIdentityCas</c>.</summary>
    public bool AllowLegacyAlgorithms { get; set; }

    /// <summary>A sentence on what is wrong, or null.</summary>
    internal string? FindFault()
    {
        if (CertificateLifetimeDays is < 30 or > 3650)
            return $"Scep:CertificateLifetimeDays must be 30 to 3650, but is {CertificateLifetimeDays}.";
        if (ChallengeLifetimeMinutes is < 5 or > 10_080)
            return $"Scep:ChallengeLifetimeMinutes must be 5 to 10080, but is {ChallengeLifetimeMinutes}.";
        return null;
    }
}
