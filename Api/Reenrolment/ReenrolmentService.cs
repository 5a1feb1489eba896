using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Devices;
using FleetMdm.Api.Rest;
using FleetMdm.Storage;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Enrolment;
using StoredFilter = FleetMdm.Storage.Devices.DeviceFilter;

namespace FleetMdm.Api.Reenrolment;

/// <summary>What people decide, for REST and for the console.</summary>
internal sealed partial class ReenrolmentService(
    IReenrolmentStore store, DeviceLookup lookup, AuditTrail trail, TimeProvider time, ILogger<ReenrolmentService> logger)
{
    public const int DefaultHours = 24;
    public const int MostHours = 720;

    /// <summary>Bytes of a certificate's SHA-256 in an audit record: enough to tell those that claim one iPad apart.</summary>
    private const int FingerprintShown = 8;

    /// <summary>For how long an allowed claim can be used: the iPad may lie in a drawer over the weekend.</summary>
    private static readonly TimeSpan AllowedClaimLasts = TimeSpan.FromHours(72);

    /// <exception cref="ApiProblem">404: no such iPad, or nobody claims it.</exception>
    public async Task<Claim> Find(string id)
    {
        await lookup.Row(id);
        return await store.FindClaim(id) ?? throw ApiProblem.NotFound("No other device says that it is this iPad.");
    }

    /// <exception cref="ApiProblem">404, or 409: nobody claims it by this claim id any more, or this one is decided.</exception>
    public async Task<Claim> Decide(string id, Guid claimId, ClaimDecision decision, HttpContext context)
    {
        var user = FleetUser.Of(context);
        await Find(id);
        var seen = (await store.FindClaims(id)).FirstOrDefault(one => one.ClaimId == claimId) ?? throw Another();
        if (seen.Decision == ClaimDecision.Open)
        {
            // Which of the devices that claim the iPad: the record names what the person saw.
            await trail.Record(context, decision == ClaimDecision.Allowed ? AuditVerbs.ReenrolmentAllow : AuditVerbs.ReenrolmentRefuse, AuditTargets.Device, id,
                detail: $"{seen.SerialNumber ?? "no serial number"}, certificate {Convert.ToHexStringLower(seen.Sha256.AsSpan(0, FingerprintShown))}…");
        }

        var now = time.GetUtcNow();
        var claim = await store.Decide(id, claimId, decision, now, user.Name, decision == ClaimDecision.Allowed ? now + AllowedClaimLasts : null) ?? throw Another();
        if (claim.Decision != decision)
        {
            throw ApiProblem.Conflict(ProblemCodes.ClaimChanged, "The claim is decided already",
                $"{claim.DecidedBy} has {(claim.Decision == ClaimDecision.Allowed ? "allowed" : "refused")} it.");
        }

        LogDecided(id, decision, user.Name);
        return claim;
    }

    private static ApiProblem Another() => ApiProblem.Conflict(ProblemCodes.ClaimChanged, "It is another claim by now",
        "Other devices have claimed this iPad since you looked. Look at the claim again, and decide about that one.");

    /// <summary>Lets these iPads be taken over, once each, for some hours.</summary>
    public async Task<ReenrolmentView> Allow(IReadOnlyList<string>? ids, StoredFilter? filter, int hours, FleetUser user)
    {
        var now = time.GetUtcNow();
        var until = now.AddHours(Text.Number("hours", hours, 1, MostHours));
        var count = ids is not null ? await store.Allow(user.Scope, ids, now, until) : await store.Allow(user.Scope, filter!, now, until);
        LogAllowed(count, until, user.Name);
        return new ReenrolmentView { Count = count, Until = until };
    }

    public async Task Withdraw(string id)
    {
        await lookup.Row(id);
        var now = time.GetUtcNow();
        await store.Allow(Scope.District, [id], now, now);
    }

    [LoggerMessage(3345, LogLevel.Information, "The claim on {Id} is decided: {Decision}, by {User}")]
    private partial void LogDecided(string id, ClaimDecision decision, string user);

    [LoggerMessage(3346, LogLevel.Information, "{Count} iPads may enrol anew with another certificate until {Until:u}, says {User}")]
    private partial void LogAllowed(long count, DateTimeOffset until, string user);
}
