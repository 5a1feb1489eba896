using System.Security.Cryptography.X509Certificates;
using FleetMdm.Grains.Outside;

namespace FleetMdm.Grains.AppsAndBooks;

/// <summary>Section <c>AppsAndBooks</c>: what the district has bought in Apple School Manager.</summary>
public sealed class AppsAndBooksOptions
{
    public const string Section = "AppsAndBooks";

    /// <summary>What Apple allows by its documentation.</summary>
    private const int MostRequests = 15;

    /// <summary>Where Apple's service for apps and books is.</summary>
    public string Endpoint { get; set; } = "https://vpp.itunes.apple.com";

    /// <summary>A PEM file with the only roots that the endpoint's certificate may come from, instead of the system's: for a proxy that looks into TLS, or a test server. Null: the system's roots.</summary>
    public string? TrustedRootFile { get; set; }

    /// <summary>An HTTP proxy, as in <c>http://proxy.example:3128</c>. Null: none.</summary>
    public string? Proxy { get; set; }

    /// <summary>How often Apple is asked what a location owns, in minutes. Who has it is read as a whole once a day besides.</summary>
    public int SyncMinutes { get; set; } = 15;

    /// <summary>How many requests a second a content token is used for at most.</summary>
    public int RequestsPerSecond { get; set; } = 10;

    /// <summary>After how many seconds without an answer a request is given up.</summary>
    public int AnswerSeconds { get; set; } = 60;

    /// <summary>The roots in <see cref="TrustedRootFile"/>; null without it.</summary>
    internal X509Certificate2Collection? LoadTrustedRoots() => OutsideService.Roots(TrustedRootFile);

    /// <summary>A sentence on what is wrong, or null.</summary>
    internal string? FindFault()
    {
        if (SyncMinutes is < 1 or > 24 * 60) return "AppsAndBooks:SyncMinutes must be from 1 to 1440.";
        if (RequestsPerSecond is < 1 or > MostRequests) return $"AppsAndBooks:RequestsPerSecond must be from 1 to {MostRequests}.";
        return OutsideService.FindFault(Section, Endpoint, Proxy, AnswerSeconds, TrustedRootFile);
    }
}
