namespace FleetMdm.Api.Enrolment;

/// <summary>Section <c>OverTheAir</c>: enrolment in three steps, in which the iPad proves by its device certificate which iPad it is.</summary>
public sealed class OverTheAirOptions
{
    public const string Section = "OverTheAir";

    /// <summary>Whether the link of an invitation gives it; false: the plain profile.</summary>
    public bool Enabled { get; set; } = true;

    /// <summary>PEM files with CAs whose certificates count as Apple's: of simulated iPads.</summary>
    public IList<string> DeviceCaFiles { get; set; } = [];

    /// <summary>A sentence on what is wrong, or null.</summary>
    internal string? FindFault() => DeviceCaFiles.FirstOrDefault(file => !File.Exists(file)) is { } missing
        ? $"OverTheAir:DeviceCaFiles names \"{missing}\", which is not there."
        : null;
}
