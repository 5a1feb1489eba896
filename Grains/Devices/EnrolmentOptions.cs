namespace FleetMdm.Grains.Devices;

/// <summary>Section <c>Enrolment</c>.</summary>
public sealed class EnrolmentOptions
{
    public const string Section = "Enrolment";

    /// <summary>What becomes of a certificate that says it is an iPad which is enrolled with another one: a person decides, or it takes over.</summary>
    public ReenrolmentPolicy Reenrolment { get; set; } = ReenrolmentPolicy.Ask;

    internal string? FindFault() => Enum.IsDefined(Reenrolment) ? null : "Enrolment:Reenrolment must be Ask or Allow.";
}

public enum ReenrolmentPolicy
{
    Ask,
    Allow,
}
