using System.Globalization;
using System.Text.Json;
using FleetMdm.Api.Access;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace FleetMdm.Api.Audit;

/// <summary>Whether the records are still what they were: <c>GET /api/v1/audit/verification</c>, and the page <c>/audit/verification</c>.</summary>
internal static class AuditVerification
{
    /// <summary>About two seconds.</summary>
    private const int MostAtOnce = 50_000;

    public static void Map(AdminRoutes routes)
    {
        routes.Api.MapGet("/audit/verification", Verify).Needs(Rights.AuditRead).WithTags("Audit").WithQuery("after", "witness").Fails(400);
        routes.Pages.MapGet("/audit/verification", Show).Needs(Rights.AuditRead).WithQuery("after", "witness")
            .AddEndpointFilter((invocation, next) => QueryNames.Check(invocation, next));
    }

    /// <summary>Check that no record was changed</summary>
    /// <remarks>Checks up to 50,000 records in the order of the chain. Go on with <c>next</c> until there is none. The first thing that is wrong is said in <c>break</c>; what comes
    /// after it can be checked with <c>next</c> too.</remarks>
    /// <param name="after">The <c>next</c> of the check before.</param>
    /// <param name="witness">An end of the chain that was kept elsewhere, as in the log: the check says whether the chain still holds it.</param>
    public static async Task<Ok<AuditCheckView>> Verify(
        HttpContext context, IAuditChain chain, [FromQuery] string? after = null, [FromQuery] string? witness = null)
    {
        try
        {
            return TypedResults.Ok(AuditCheckView.Of(await chain.Verify(after, MostAtOnce, context.RequestAborted), await Compare(chain, witness)));
        }
        catch (FormatException e)
        {
            throw ApiProblem.InvalidCursor(e.Message);
        }
    }

    private static async Task<RazorComponentResult<AuditVerificationPage>> Show(HttpContext context, IAuditChain chain, string? after, string? witness)
    {
        // A form sends a field that was left empty.
        var check = (await Verify(context, chain, after, string.IsNullOrWhiteSpace(witness) ? null : witness)).Value!;
        return new RazorComponentResult<AuditVerificationPage>(new { User = FleetUser.Of(context), Check = check, Witness = witness });
    }

    /// <summary>What became of an end that was kept elsewhere; null: none was given.</summary>
    internal static async Task<WitnessView?> Compare(IAuditChain chain, string? witness)
    {
        if (witness is null) return null;
        if (witness.Trim().Split(':') is not [var said, { Length: 64 } hash] || !long.TryParse(said, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            throw ApiProblem.Field("witness", "It must be a number, a colon and a hash of 64 digits, as they stand in the log.");
        if (await chain.FindHash(number) is { } found)
        {
            return Convert.ToHexStringLower(found).Equals(hash, StringComparison.OrdinalIgnoreCase)
                ? new WitnessView(true, $"The chain still holds number {number} as it was then: no record up to it was changed, put in or left out since, if the check finds nothing.")
                : new WitnessView(false, $"Number {number} of the chain is not what it was then. The chain was made anew, or a backup was restored.");
        }

        return number <= (await chain.Start()).Number
            ? new WitnessView(null, $"Number {number} is past its retention and was removed, so it cannot be compared. Give a newer one.")
            : new WitnessView(false, $"Number {number} is not in the chain. The newest part was cut off, or a backup was restored.");
    }
}

/// <summary>What a check of the chain has found.</summary>
public sealed record AuditCheckView
{
    /// <summary>whole (nothing is wrong in what was checked), broken, or unchecked (there are records, and none of them was checked: they wait for their seal, or <c>after</c> is the end of the chain).</summary>
    [OneOf("whole", "broken", "unchecked")]
    public required string State { get; init; }
    /// <summary>How many records were checked by this request.</summary>
    public required long Checked { get; init; }
    /// <summary>How many records wait for their seal. They are not checked. It is more than a few only while the server is stopped.</summary>
    public required long Waiting { get; init; }
    /// <summary>For <c>after</c> of the next request; absent: all was checked.</summary>
    public string? Next { get; init; }
    /// <summary>The first thing that is wrong.</summary>
    public AuditBreakView? Break { get; init; }
    /// <summary>Where the chain ends: keep it elsewhere, and send it as <c>witness</c> another time.</summary>
    public required string Head { get; init; }
    /// <summary>How many records retention has removed from the old end.</summary>
    public required long Removed { get; init; }
    /// <summary>How many of those that were checked have no signature, because they are of a version that made none. It does not grow after the upgrade, unless somebody else writes records.</summary>
    public required long Unsigned { get; init; }
    /// <summary>When the newest of them was written, as it says.</summary>
    public DateTimeOffset? NewestUnsigned { get; init; }
    public WitnessView? Witness { get; init; }

    internal static AuditCheckView Of(AuditCheck check, WitnessView? witness) => new()
    {
        State = check.Break is not null || witness?.Holds == false ? "broken" : check.Nothing ? "unchecked" : "whole",
        Checked = check.Checked,
        Waiting = check.Waiting,
        Next = check.Next,
        Break = check.Break is { } found
            ? new AuditBreakView(JsonNamingPolicy.CamelCase.ConvertName(found.Kind.ToString()), found.Number, found.RecordId?.ToString("D"), found.At, found.Words)
            : null,
        Head = check.Head.Witness,
        Removed = check.Removed,
        Unsigned = check.Unsigned,
        NewestUnsigned = check.NewestUnsigned,
        Witness = witness,
    };
}

/// <param name="Kind">changed, missing or inserted (a record); cutOff (the newest part is gone); chain (the chain's own rows); noticed (the server noticed it before).</param>
/// <param name="Number">Where in the chain.</param>
/// <param name="RecordId">Which record.</param>
/// <param name="At">When the record was written, as its id says.</param>
/// <param name="Words">What and where.</param>
public sealed record AuditBreakView(
    [property: OneOf("changed", "missing", "inserted", "cutOff", "chain", "noticed")] string Kind, long? Number, string? RecordId, DateTimeOffset? At, string Words);

/// <param name="Holds">Whether the chain still holds it; absent: it cannot be told.</param>
/// <param name="Words">What that means.</param>
public sealed record WitnessView(bool? Holds, string Words);
