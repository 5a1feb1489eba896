using System.Globalization;
using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Devices;
using FleetMdm.Api.Rest;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Renewals;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FleetMdm.Api.Renewals;

/// <summary><c>/api/v1/renewals</c>, and the renewal of one iPad.</summary>
internal static class RenewalEndpoints
{
    public static void MapRest(RouteGroupBuilder api)
    {
        var tagged = api.MapGroup("").WithTags("Renewals");
        tagged.MapGet("/renewals", List).Needs(Rights.CertificateRead).WithQuery("problem", "after", "limit").Fails(400);
        tagged.MapGet("/devices/{id}/renewal", Get).Needs(Rights.DeviceRead).Fails(404);
        tagged.MapPost("/devices/{id}/renewal", Start).Needs(Rights.DeviceChange).Idempotent().Audit(AuditVerbs.CommandSend, AuditTargets.Device, AuditPlace.WithTheChange).Fails(404, 409, 422);
    }

    /// <summary>List identity certificates that end soon, those that end first</summary>
    /// <remarks>The server renews them by itself. What it cannot renew stands here with the reason, long before it ends.</remarks>
    /// <param name="problem">true: only those that need a person.</param>
    /// <param name="after">The <c>next</c> of the page before.</param>
    /// <param name="limit">1 to 1000; 100 when absent.</param>
    public static async Task<Ok<Page<RenewalView>>> List(string? problem, string? after, string? limit, IRenewalStore store)
    {
        var most = Page.Limit(limit);
        var rows = await store.List(Text.Flag("problem", problem) ?? false, Place(after), most + 1);
        return TypedResults.Ok(Page.Of(rows, most, RenewalView.Of, NextOf));
    }

    /// <summary>The renewal of an iPad's identity certificate</summary>
    /// <remarks>404 when its certificate does not end soon.</remarks>
    public static async Task<Ok<RenewalView>> Get(string id, DeviceLookup lookup, IRenewalStore store)
    {
        var row = await lookup.Row(id);
        var alive = row.Status is EnrolmentStatus.Authenticated or EnrolmentStatus.Enrolled;
        var renewal = (alive ? await store.Find(row.Id) : null) ?? throw ApiProblem.NotFound("The identity certificate of this iPad does not end soon, or has been renewed.");
        return TypedResults.Ok(RenewalView.Of(new RenewalListing(renewal, row.SerialNumber, row.DeviceName, row.School, row.LastSeenAt)));
    }

    /// <summary>Renew an iPad's identity certificate now</summary>
    /// <remarks>The server does so by itself before the certificate ends. Use this when you have mended what was in the way.</remarks>
    public static async Task<Accepted<RenewalRequested>> Start(string id, DeviceLookup lookup, IRenewalStore store)
    {
        var requested = await Request(id, lookup, store);
        return TypedResults.Accepted($"/api/v1/devices/{Uri.EscapeDataString(requested.DeviceId)}/renewal", requested);
    }

    /// <exception cref="ApiProblem">404, or 409 with the reason when it cannot be renewed.</exception>
    internal static async Task<RenewalRequested> Request(string id, DeviceLookup lookup, IRenewalStore store)
    {
        var row = await lookup.Row(id);
        var step = await lookup.Grain(row.Id).RenewIdentity(now: true);
        if (step is RenewalStep.Started or RenewalStep.Waiting)
        {
            return new RenewalRequested
            {
                DeviceId = row.Id,
                State = step == RenewalStep.Started ? "started" : "waiting",
                CommandUuid = (await store.Find(row.Id))?.CommandUuid,
            };
        }

        throw ApiProblem.Conflict(ProblemCodes.NotRenewable, "It cannot be renewed",
            (await store.Find(row.Id) is { } renewal ? RenewalView.Of(renewal).Reason : null)
                ?? "This iPad is not enrolled, or it is a user of a Shared iPad: those use the certificate of their iPad.");
    }

    /// <summary>The cursor: when the last one of a page ends, and whose it is.</summary>
    internal static string NextOf(RenewalListing listing) =>
        string.Create(CultureInfo.InvariantCulture, $"{listing.Renewal.NotAfter.ToUnixTimeMilliseconds()}.{listing.Renewal.DeviceId}");

    internal static RenewalPlace? Place(string? after)
    {
        if (after is null) return null;
        var dot = after.IndexOf('.', StringComparison.Ordinal);
        return dot > 0 && long.TryParse(after.AsSpan(0, dot), NumberStyles.None, CultureInfo.InvariantCulture, out var end)
            && end <= DateTimeOffset.MaxValue.ToUnixTimeMilliseconds() && Text.EnrolmentId(after[(dot + 1)..]) is { } id
            ? new RenewalPlace(DateTimeOffset.FromUnixTimeMilliseconds(end), id)
            : throw ApiProblem.InvalidCursor();
    }
}
