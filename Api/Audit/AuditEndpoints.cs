using FleetMdm.Api.Access;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace FleetMdm.Api.Audit;

/// <summary><c>/api/v1/audit</c>: for administrators; the records say who signs in, and from where.</summary>
internal static class AuditEndpoints
{
    internal const int RowsAtATime = 1_000;

    public static void MapRest(RouteGroupBuilder api)
    {
        var audit = api.MapGroup("/audit").Needs(Rights.AuditRead).WithTags("Audit");
        audit.MapGet("", List).WithQuery([.. AuditQuery.Names, "after", "limit"]).Fails(400);
        audit.MapGet("/export", Export).WithQuery([.. AuditQuery.Names, "format"]).Produces<string>(200, "text/csv", AuditExport.LinesContentType).Fails(400);
    }

    /// <summary>Who did what, newest first</summary>
    /// <remarks>Everything that changed something, was refused, signed in, or showed a secret. All filters that are given must hold. Records are
    /// never changed; they are kept for <c>Retention:AuditDays</c>.</remarks>
    /// <param name="who">A token's or an iPad's id, or the name that a token had, exactly.</param>
    /// <param name="verb">As in <c>command.send</c>; or all of a kind: <c>token.</c></param>
    /// <param name="targetKind">device, operation, invitation, token or push-certificate.</param>
    /// <param name="target">The target's id, exactly; or the serial number of an iPad. An iPad's finds the operations that sent it a command too, as long as its history holds that command.</param>
    /// <param name="from">From this time on.</param>
    /// <param name="to">Before this time.</param>
    /// <param name="result">done, refused or failed.</param>
    /// <param name="after">The <c>next</c> of the page before.</param>
    /// <param name="limit">1 to 1000; 100 when absent.</param>
    public static async Task<Ok<Page<AuditView>>> List(
        HttpContext context, IAuditStore store,
        [FromQuery] string? who = null, [FromQuery] string? verb = null, [FromQuery] string? targetKind = null, [FromQuery] string? target = null,
        [FromQuery] string? from = null, [FromQuery] string? to = null, [FromQuery] string? result = null,
        [FromQuery] string? after = null, [FromQuery] string? limit = null) =>
        TypedResults.Ok(await Read(store, new AuditQuery(who, verb, targetKind, target, from, to, result), after, Page.Limit(limit)));

    /// <summary>The same as a file, all of it</summary>
    /// <remarks>As CSV, or as one JSON object a line. That it was exported is recorded. In CSV, texts that a spreadsheet would take for a formula begin with an apostrophe.</remarks>
    /// <param name="format">csv or jsonl; csv when absent.</param>
    /// <param name="who">As for the list.</param>
    /// <param name="verb">As for the list.</param>
    /// <param name="targetKind">As for the list.</param>
    /// <param name="target">As for the list.</param>
    /// <param name="from">As for the list.</param>
    /// <param name="to">As for the list.</param>
    /// <param name="result">As for the list.</param>
    public static async Task<IResult> Export(
        HttpContext context, IAuditStore store, AuditTrail trail,
        [FromQuery] string? format = null, [FromQuery] string? who = null, [FromQuery] string? verb = null, [FromQuery] string? targetKind = null, [FromQuery] string? target = null,
        [FromQuery] string? from = null, [FromQuery] string? to = null, [FromQuery] string? result = null)
    {
        var lines = format switch { null or "csv" => false, "jsonl" => true, _ => throw ApiProblem.Field("format", "It must be csv or jsonl.") };
        var query = new AuditQuery(who, verb, targetKind, target, from, to, result);
        var filter = query.Filter;
        await trail.Record(context, AuditVerbs.AuditExport, detail: query.PathOf("") is { Length: > 0 } said ? said : null);
        // Before it is answered: an unreachable store is 503, not half a file.
        var first = await store.List(filter, null, RowsAtATime);
        return new AuditExport(store, filter, first, lines);
    }

    internal static async Task<Page<AuditView>> Read(IAuditStore store, AuditQuery query, string? after, int limit)
    {
        Guid? before = null;
        if (after is not null)
            before = Text.Uuid(after) ?? throw ApiProblem.InvalidCursor();
        var rows = await store.List(query.Filter, before, limit + 1);
        return Page.Of(rows, limit, AuditView.Of, row => row.Id.ToString("D"));
    }
}
