using System.Reflection;
using FleetMdm.Api.Access;
using FleetMdm.Api.Rest;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Storage;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Enrolment;
using FleetMdm.Storage.Renewals;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FleetMdm.Api.Observability;

/// <summary>The server and the fleet at a glance; for REST and for the console.</summary>
internal sealed class FleetStatus(IFleetQueries fleet, IReenrolmentStore reenrolments, IRenewalStore renewals, IGrainFactory grains, TimeProvider time)
{
    public static string Version { get; } =
        typeof(FleetStatus).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "0";

    public async Task<StatusView> Read()
    {
        var counts = await fleet.CountDevices(Scope.District);
        var certificate = await grains.GetGrain<IPushCertificateGrain>(IPushCertificateGrain.Key).Describe();
        return new StatusView
        {
            Version = Version,
            Time = time.GetUtcNow(),
            Devices = new DeviceCounts
            {
                Authenticated = counts.GetValueOrDefault(EnrolmentStatus.Authenticated),
                Enrolled = counts.GetValueOrDefault(EnrolmentStatus.Enrolled),
                Unenrolled = counts.GetValueOrDefault(EnrolmentStatus.Unenrolled),
                Removed = counts.GetValueOrDefault(EnrolmentStatus.Removed),
                Erased = counts.GetValueOrDefault(EnrolmentStatus.Erased),
            },
            OpenClaims = await reenrolments.CountOpenClaims(Scope.District),
            RenewalProblems = await renewals.CountProblems(),
            PushCertificate = certificate is null ? null : new PushCertificateSummary
            {
                State = certificate.Standing.ToString(),
                Topic = certificate.Topic,
                ExpiresAt = certificate.NotAfter,
                DaysLeft = (int)Math.Floor((certificate.NotAfter - time.GetUtcNow()).TotalDays),
                Refusal = certificate.Refusal,
            },
        };
    }

    internal static void MapRest(RouteGroupBuilder api) => api.MapGet("/status", Get).Needs(Rights.StatusRead).WithTags("Status").Fails();

    /// <summary>The server at a glance</summary>
    public static async Task<Ok<StatusView>> Get(FleetStatus status) => TypedResults.Ok(await status.Read());
}

/// <summary>The server at a glance.</summary>
public sealed record StatusView
{
    /// <summary>Of the server.</summary>
    public required string Version { get; init; }
    /// <summary>The server's clock.</summary>
    public required DateTimeOffset Time { get; init; }
    public required DeviceCounts Devices { get; init; }
    /// <summary>How many iPads another device says that it is, and nobody has decided about.</summary>
    public required long OpenClaims { get; init; }
    /// <summary>How many iPads have an identity certificate that ends soon and needs a person.</summary>
    public required long RenewalProblems { get; init; }
    /// <summary>null: none is installed, and no iPad can be woken.</summary>
    public required PushCertificateSummary? PushCertificate { get; init; }
}

/// <summary>How many iPads there are, by status. Users of Shared iPads are not counted.</summary>
public sealed record DeviceCounts
{
    public required long Authenticated { get; init; }
    public required long Enrolled { get; init; }
    public required long Unenrolled { get; init; }
    public required long Removed { get; init; }
    public required long Erased { get; init; }
}

/// <summary>How the push certificate stands.</summary>
public sealed record PushCertificateSummary
{
    /// <summary>Good, ExpiresSoon, Expired or Refused.</summary>
    [OneOf("Good", "ExpiresSoon", "Expired", "Refused")]
    public required string State { get; init; }
    public required string Topic { get; init; }
    public required DateTimeOffset ExpiresAt { get; init; }
    /// <summary>Negative when it has expired.</summary>
    public required int DaysLeft { get; init; }
    /// <summary>Why APNs refuses it; null when it does not.</summary>
    public string? Refusal { get; init; }
}
