using FleetMdm.Api.Access;
using FleetMdm.Api.Hosting;
using FleetMdm.Api.Rest;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Storage.Audit;

namespace FleetMdm.Api.Audit;

/// <summary>Records what a request does, for the endpoints that change something outside the store's own transactions, or show a secret.</summary>
internal sealed class AuditTrail(IAuditStore store, ClientAddress clients, TimeProvider time)
{
    private static readonly object RecordedKey = new();
    private static readonly object WhatKey = new();
    private static readonly object RightKey = new();

    /// <summary>A record of who sends this request, to travel with a change.</summary>
    public AuditRecord Entry(
        HttpContext context, string verb, string? targetKind = null, string? targetId = null, string? subject = null, string? detail = null) =>
        AuditRecord.New(time.GetUtcNow(), ActorOf(context), verb) with
        {
            TargetKind = targetKind,
            TargetId = targetId,
            Subject = subject,
            Detail = detail,
            Reason = AuditReason.Of(context),
            Right = RightOf(context),
        };

    /// <summary>
    /// Adds the record of this request. To be called before a change that cannot share its transaction, and before a secret is shown: when it
    /// cannot be written, nothing happens and the request is answered 503. If the change then fails, a second record says so.
    /// </summary>
    /// <param name="reason">Where the request has no header that says why.</param>
    public async Task Record(
        HttpContext context, string verb, string? targetKind = null, string? targetId = null, string? subject = null, string? detail = null, string? reason = null)
    {
        var record = Entry(context, verb, targetKind, targetId, subject, detail);
        record = record with { Reason = record.Reason ?? reason };
        await store.Write(record);
        context.Items[RecordedKey] = record;
    }

    /// <summary>Adds a record that <see cref="Entry"/> made.</summary>
    public Task Write(AuditRecord record) => store.Write(record);

    /// <summary>What <see cref="Record"/> wrote for this request last.</summary>
    public static AuditRecord? RecordedFor(HttpContext context) => context.Items[RecordedKey] as AuditRecord;

    /// <summary>What this request is about, as a request type: its record says so even when it is refused.</summary>
    public static void About(HttpContext context, string what) => context.Items[WhatKey] = what;

    /// <summary>What <see cref="About"/> was told; null: nothing.</summary>
    public static string? WhatOf(HttpContext context) => context.Items[WhatKey] as string;

    /// <summary>Besides what its address needs, this request needs that right: its records say so, whether the sender has it or not.</summary>
    public static void Uses(HttpContext context, string right)
    {
        context.Items[RightKey] = right;
        if (Caller.Current is { } caller) Caller.Current = caller with { Right = right };
    }

    /// <summary>The right that this request needs: the most special one that is known. Null: none.</summary>
    public static string? RightOf(HttpContext context)
    {
        if (context.Items[RightKey] is string used) return used;
        var user = FleetUser.Find(context.User);
        List<string> needed = [.. (context.GetEndpoint()?.Metadata.GetOrderedMetadata<NeededRights>() ?? [])
            .Select(needed => needed.OneOf.FirstOrDefault(right => user?.May(right) == true) ?? needed.OneOf[0]).Distinct()];
        // Whoever changes something reads it too.
        var changing = needed.FindAll(right => !Rights.OnlyReads(right));
        return needed.Count == 0 ? null : string.Join(", ", changing.Count > 0 ? changing : needed);
    }

    private AuditActor ActorOf(HttpContext context)
    {
        var address = clients.Of(context);
        return FleetUser.Find(context.User) is { } user
            ? new AuditActor(user.AccountId is null ? ActorKind.Token : ActorKind.Account, user.TokenId, user.Name, address?.ToString())
            : new AuditActor(ActorKind.Stranger, Address: address?.ToString());
    }
}

/// <summary>Why something is done, in the words of who does it: the header <c>Audit-Reason</c> of any request that changes something.</summary>
internal static class AuditReason
{
    public const string Header = "Audit-Reason";

    /// <summary>For what is shown only to those who say why: from the header, or from what was sent beside it.</summary>
    /// <exception cref="ApiProblem">400: nobody said why.</exception>
    public static string Required(HttpContext context, string? said) =>
        Said(context, said) ?? throw ApiProblem.Field("reason", "Say why you do it. It is recorded with your name.");

    /// <summary>The same; null: nobody said why.</summary>
    public static string? Said(HttpContext context, string? said) =>
        Of(context) ?? (string.IsNullOrWhiteSpace(said) ? null : Text.Required("reason", said.Trim()));

    public static string? Of(HttpContext context) =>
        context.Request.Headers[Header] is { Count: > 0 } values && !string.IsNullOrWhiteSpace(values[0]) ? values[0]!.Trim() : null;
}
