using System.Text;
using System.Text.Json;
using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Hosting;
using FleetMdm.Api.Rest;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Protocol.AppsAndBooks;
using FleetMdm.Storage.AppsAndBooks;
using FleetMdm.Storage.Audit;
using Microsoft.Extensions.Options;

namespace FleetMdm.Api.AppsAndBooks;

/// <summary>Locations of Apps and Books and what they own, for REST and for the console.</summary>
internal sealed class ContentLocationService(IContentStore store, IGrainFactory grains, AuditTrail trail, IOptions<MdmOptions> mdm, TimeProvider time)
{
    public async Task<Page<ContentLocationView>> List(FleetUser reader) => new([.. (await store.ListLocations(reader.Scope)).Select(row => View(row, working: false))], null);

    /// <exception cref="ApiProblem">404.</exception>
    public async Task<ContentLocationView> Get(FleetUser reader, string id) => View(await Row(reader, id), (await grains.GetGrain<IContentLocationGrain>(id).Describe()).Working);

    /// <exception cref="ApiProblem">422: it is none, has ended, or Apple does not take it. 503: Apple could not be asked.</exception>
    public async Task<ContentLocationView> TakeToken(HttpContext context, string token)
    {
        var user = FleetUser.Of(context);
        if (string.IsNullOrWhiteSpace(token)) throw ApiProblem.Field("token", "Send the content token, as its file has it.");
        if (token.Length > ContentToken.MaxFileBytes) throw ApiProblem.Field("token", $"A content token has at most {ContentToken.MaxFileBytes} characters.");
        var taken = await grains.GetGrain<IContentLocationGrain>(RequestIds.NewGuid(context, "content-location").ToString("D")).TakeToken(new ContentTokenMessage(token, user.Name));
        if (taken.Problem is { } problem) throw taken.Unavailable ? Away("The content token cannot be used now", problem) : Unusable(problem);
        return await Get(user, taken.LocationId!);
    }

    /// <param name="takeOver">From the server that has claimed it.</param>
    /// <exception cref="ApiProblem">409: another server has claimed it.</exception>
    public async Task<ContentLocationView> Claim(HttpContext context, string id, bool takeOver)
    {
        var user = FleetUser.Of(context);
        var row = await Row(user, id);
        await trail.Record(context, AuditVerbs.ContentClaim, AuditTargets.ContentLocation, id, detail: Text.Printable(takeOver ? $"{row.Location.Name}, from {row.Location.MdmName ?? "another server"}" : row.Location.Name, 200));
        // Apple takes https only, and no address of this network alone.
        var url = mdm.Value.PublicUrl is null ? null : new Uri(mdm.Value.PublicUri, ContentNotificationEndpoint.Path);
        var claimed = await grains.GetGrain<IContentLocationGrain>(id).Claim(new ContentClaim(user.Name, takeOver, url?.Scheme == Uri.UriSchemeHttps ? url.AbsoluteUri : null));
        if (claimed.Problem is { } problem)
        {
            if (claimed.Unavailable) throw Away("The location cannot be claimed now", problem);
            throw claimed.ClaimedBy is not null ? ApiProblem.Conflict(ProblemCodes.Claimed, "Another server has claimed it", problem) : Unusable(problem);
        }

        return await Get(user, id);
    }

    public async Task<ContentLocationView> Sync(HttpContext context, string id)
    {
        var user = FleetUser.Of(context);
        var row = await Row(user, id);
        await trail.Record(context, AuditVerbs.ContentSync, AuditTargets.ContentLocation, id, detail: row.Location.Name);
        await grains.GetGrain<IContentLocationGrain>(id).SyncNow();
        return await Get(user, id);
    }

    /// <exception cref="ApiProblem">409: an assignment uses it.</exception>
    public async Task Delete(HttpContext context, string id)
    {
        var row = await Row(FleetUser.Of(context), id);
        switch (await store.DeleteLocation(id, trail.Entry(context, AuditVerbs.ContentDelete, AuditTargets.ContentLocation, id, detail: row.Location.Name)))
        {
            case ContentOutcome.Written:
                return;
            case ContentOutcome.InUse:
                throw ApiProblem.Conflict(ProblemCodes.InUse, "The location is used", "Assignments install apps of this location. Nothing was removed. Delete those assignments first.");
            default:
                throw NotFound();
        }
    }

    public async Task<Page<ContentAssetView>> Assets(FleetUser reader, string? location, string? text, bool shortOnly, string? after, int limit)
    {
        var rows = await store.ListAssets(
            reader.Scope, Text.Optional("location", Set(location)), Text.Optional("q", Set(text)?.Trim()), shortOnly, after is null ? null : Place(after, parts: 4), limit + 1);
        return new Page<ContentAssetView>([.. rows.Take(limit).Select(ContentAssetView.Of)], rows.Count > limit ? Cursor(IContentStore.PlaceOf(rows[limit - 1])) : null);
    }

    public async Task<Page<ContentLicenceView>> Licences(FleetUser reader, string id, string? adamId, string? state, string? after, int limit)
    {
        await Row(reader, id);
        var wanted = Set(state) is { } named ? ContentShown.ReadState(named) ?? throw ApiProblem.Field("state", "It is one of wanted, asked, held, leaving, returning.") : (LicenceState?)null;
        var rows = await store.ListLicences(reader.Scope, id, Text.Optional("adamId", Set(adamId)), wanted, after is null ? null : Place(after, parts: 3), limit + 1);
        return new Page<ContentLicenceView>([.. rows.Take(limit).Select(ContentLicenceView.Of)], rows.Count > limit ? Cursor(IContentStore.PlaceOf(rows[limit - 1])) : null);
    }

    private async Task<ContentLocationRow> Row(FleetUser reader, string id) => (Text.Uuid(id) is { } uuid ? await store.FindLocation(reader.Scope, uuid.ToString("D")) : null) ?? throw NotFound();

    private ContentLocationView View(ContentLocationRow row, bool working)
    {
        var one = row.Location;
        return new ContentLocationView
        {
            Id = one.Id,
            Name = one.Name,
            Uid = one.Uid,
            Organization = one.Organization,
            Country = one.Country,
            TokenExpiresAt = one.TokenExpiresAt,
            TokenDaysLeft = Math.Max(0, (int)(one.TokenExpiresAt - time.GetUtcNow()).TotalDays),
            TokenUploadedAt = one.TokenAt,
            TokenUploadedBy = one.TokenBy,
            Claim = new ContentClaimView(one.IsOurs, one.MdmName ?? one.MdmId, one.ClaimedAt, one.ClaimedBy, one.SealedNotify is not null),
            Problem = one.Problem == ContentProblem.None ? null : new ContentProblemView(JsonNamingPolicy.CamelCase.ConvertName(one.Problem.ToString()), one.ProblemDetail ?? "", one.ProblemAt),
            Apps = row.Apps,
            Short = row.Short,
            Waiting = row.Waiting,
            SyncedAt = one.AssetsAt,
            NotifiedAt = one.NotifiedAt,
            NextAt = one.NextAt,
            Working = working,
            CreatedAt = one.CreatedAt,
        };
    }

    private static string? Set(string? text) => string.IsNullOrWhiteSpace(text) ? null : text;

    private static string Cursor(string place) => Convert.ToHexStringLower(Encoding.UTF8.GetBytes(place));

    private static string Place(string cursor, int parts)
    {
        try
        {
            var place = cursor.Length <= 2_000 ? Encoding.UTF8.GetString(Convert.FromHexString(cursor)) : "";
            return place.Split('\t').Length == parts && !place.Any(one => char.IsControl(one) && one != '\t') && !place.Contains('\uFFFD') ? place : throw ApiProblem.InvalidCursor();
        }
        catch (FormatException)
        {
            throw ApiProblem.InvalidCursor();
        }
    }

    private static ApiProblem Unusable(string why) => new(StatusCodes.Status422UnprocessableEntity, ProblemCodes.InvalidContentToken, "The content token cannot be used", why)
    {
        Errors = new Dictionary<string, string[]> { ["token"] = [why] },
    };

    private static ApiProblem Away(string title, string why) => new(StatusCodes.Status503ServiceUnavailable, ProblemCodes.AppleAway, title, why) { RetryAfter = 60 };

    private static ApiProblem NotFound() => ApiProblem.NotFound("There is no such location of Apps and Books.");
}
