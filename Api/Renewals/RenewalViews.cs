using FleetMdm.Api.Access;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Renewals;

namespace FleetMdm.Api.Renewals;

/// <summary>The renewal of an iPad's identity certificate.</summary>
public sealed record RenewalView
{
    /// <summary>The iPad.</summary>
    public required string DeviceId { get; init; }
    public string? SerialNumber { get; init; }
    public string? DeviceName { get; init; }
    public string? School { get; init; }
    public DateTimeOffset? LastSeenAt { get; init; }
    /// <summary>When the certificate ends. After that the iPad is lost, except for Mdm:ExpiredCertificateGraceDays.</summary>
    public required DateTimeOffset CertificateEndsAt { get; init; }
    /// <summary>SHA-256 of the certificate.</summary>
    public required string CertificateSha256 { get; init; }
    /// <summary>planned, waiting (the command waits for the iPad), retrying (it failed, and is tried again) or problem (a person has to look).</summary>
    [OneOf("planned", "waiting", "retrying", "problem")]
    public required string State { get; init; }
    /// <summary>notIssuedHere, unknownAddress, notEnrolled, repeatedErrors, withdrawn, silent or otherKind; null: there is none.</summary>
    [OneOf("notIssuedHere", "unknownAddress", "notEnrolled", "repeatedErrors", "withdrawn", "silent", "otherKind")]
    public string? Problem { get; init; }
    /// <summary>The problem in a sentence, and what to do.</summary>
    public string? Reason { get; init; }
    /// <summary>What went wrong last.</summary>
    public string? Detail { get; init; }
    /// <summary>When the server looks at it next.</summary>
    public required DateTimeOffset NextAt { get; init; }
    /// <summary>When a command was last queued.</summary>
    public DateTimeOffset? StartedAt { get; init; }
    /// <summary>The command that is under way.</summary>
    public string? CommandUuid { get; init; }
    /// <summary>How many commands ended without a renewal.</summary>
    public required int Failures { get; init; }

    internal static RenewalView Of(RenewalListing listing) => Of(listing.Renewal) with
    {
        SerialNumber = listing.SerialNumber,
        DeviceName = listing.DeviceName,
        School = listing.School,
        LastSeenAt = listing.LastSeenAt,
    };

    internal static RenewalView Of(RenewalRow renewal) => new()
    {
        DeviceId = renewal.DeviceId,
        CertificateEndsAt = renewal.NotAfter,
        CertificateSha256 = Convert.ToHexStringLower(renewal.Sha256),
        State = renewal.Problem != RenewalProblem.None ? "problem"
            : renewal.CommandUuid is not null ? "waiting"
            : renewal.Failures > 0 ? "retrying"
            : "planned",
        Problem = renewal.Problem == RenewalProblem.None ? null : System.Text.Json.JsonNamingPolicy.CamelCase.ConvertName(renewal.Problem.ToString()),
        Reason = ReasonOf(renewal.Problem),
        Detail = renewal.Detail,
        NextAt = renewal.NextAt,
        StartedAt = renewal.StartedAt,
        CommandUuid = renewal.CommandUuid,
        Failures = renewal.Failures,
    };

    private static string? ReasonOf(RenewalProblem problem) => problem switch
    {
        RenewalProblem.None => null,
        RenewalProblem.NotIssuedHere => "Another CA has issued this certificate, so this server cannot renew it. Enrol the iPad again by an invitation.",
        RenewalProblem.UnknownAddress =>
            "It is not known by which address this iPad was enrolled, and the proxy in front of the server does not tell. Let the proxy send X-Forwarded-Host, or keep the Host that the iPad sent.",
        RenewalProblem.NotEnrolled => "The iPad has not completed its enrolment (no TokenUpdate has come), so it cannot be woken. Enrol it again.",
        RenewalProblem.RepeatedErrors => "The renewal has failed several times. The server goes on trying; look at what the iPad said.",
        RenewalProblem.Withdrawn => "The certificates of its invitation were withdrawn, so it is not renewed. Enrol the iPad again by another invitation.",
        RenewalProblem.Silent => "The command has waited for more than a week. Switch the iPad on, unlock it, and connect it to a network.",
        _ => "This server does not make the profile of this kind of enrolment. Enrol the iPad again by an invitation.",
    };
}

/// <summary>A renewal was asked for.</summary>
public sealed record RenewalRequested
{
    public required string DeviceId { get; init; }
    /// <summary>started (a command is queued) or waiting (one was queued before).</summary>
    [OneOf("started", "waiting")]
    public required string State { get; init; }
    /// <summary>The command.</summary>
    public string? CommandUuid { get; init; }
}

/// <summary>What the page shows.</summary>
public sealed record CertificatesView(FleetUser User, Page<RenewalView> Renewals, bool OnlyProblems, RenewalCounts Counts);
