namespace FleetMdm.Api.Attestation;

/// <summary>Whether iPads get their identity with an attestation of Apple's.</summary>
public enum AttestedIdentity
{
    /// <summary>By SCEP, all of them.</summary>
    Off,
    /// <summary>By ACME, those that can; the others by SCEP, and the page of the iPad says why.</summary>
    WhenPossible,
    /// <summary>By ACME, or they do not enrol.</summary>
    Required,
}

/// <summary>Section <c>Attestation</c>.</summary>
public sealed class AttestationOptions
{
    public const string Section = "Attestation";

    /// <summary>What an enrolment profile of today gives.</summary>
    public AttestedIdentity Identity { get; set; } = AttestedIdentity.Off;

    /// <summary>PEM files with roots whose attestations count as Apple's: of simulated iPads.</summary>
    public IList<string> RootFiles { get; set; } = [];

    /// <summary>A sentence on what is wrong, or null.</summary>
    internal string? FindFault()
    {
        if (!Enum.IsDefined(Identity)) return "Attestation:Identity must be Off, WhenPossible or Required.";
        return RootFiles.FirstOrDefault(file => !File.Exists(file)) is { } missing ? $"Attestation:RootFiles names \"{missing}\", which is not there." : null;
    }
}
