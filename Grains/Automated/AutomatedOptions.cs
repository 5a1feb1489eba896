using System.Security.Cryptography.X509Certificates;
using FleetMdm.Grains.Outside;

namespace FleetMdm.Grains.Automated;

/// <summary>Section <c>Automated</c>: Automated Device Enrolment with Apple School Manager.</summary>
public sealed class AutomatedOptions
{
    public const string Section = "Automated";

    private const int MostMinutes = 24 * 60;

    /// <summary>Where Apple's device enrolment service is.</summary>
    public string Endpoint { get; set; } = "https://mdmenrollment.apple.com";

    /// <summary>A PEM file with the only roots that the endpoint's certificate may come from, instead of the system's: for a proxy that looks into TLS, or a test server. Null: the system's roots.</summary>
    public string? TrustedRootFile { get; set; }

    /// <summary>An HTTP proxy, as in <c>http://proxy.example:3128</c>. Null: none.</summary>
    public string? Proxy { get; set; }

    /// <summary>How often Apple is asked for what is new, in minutes. The whole list is fetched once a day besides.</summary>
    public int SyncMinutes { get; set; } = 15;

    /// <summary>How many requests a minute a server token is used for at most.</summary>
    public int RequestsPerMinute { get; set; } = 240;

    /// <summary>After how many seconds without an answer a request is given up.</summary>
    public int AnswerSeconds { get; set; } = 60;

    /// <summary>How many minutes an iPad is held in Setup Assistant at most, until what is assigned to it is there. Then it is let go, and stands on a list.</summary>
    public int HoldMinutes { get; set; } = 30;

    /// <summary>The roots in <see cref="TrustedRootFile"/>; null without it.</summary>
    internal X509Certificate2Collection? LoadTrustedRoots() => OutsideService.Roots(TrustedRootFile);

    /// <summary>A sentence on what is wrong, or null.</summary>
    internal string? FindFault()
    {
        if (SyncMinutes is < 1 or > MostMinutes) return $"Automated:SyncMinutes must be from 1 to {MostMinutes}.";
        if (RequestsPerMinute is < 1 or > 6_000) return "Automated:RequestsPerMinute must be from 1 to 6000.";
        if (HoldMinutes is < 1 or > MostMinutes) return $"Automated:HoldMinutes must be from 1 to {MostMinutes}.";
        return OutsideService.FindFault(Section, Endpoint, Proxy, AnswerSeconds, TrustedRootFile);
    }
}
