using System.Text.Json.Serialization;
using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Catalogue;
using FleetMdm.Api.Commands;
using FleetMdm.Api.Devices;
using FleetMdm.Api.Inventory;
using FleetMdm.Api.Invitations;
using FleetMdm.Api.Observability;
using FleetMdm.Api.Operations;
using FleetMdm.Api.Placeholders;
using FleetMdm.Api.Reenrolment;
using FleetMdm.Api.Renewals;

namespace FleetMdm.Api.Rest;

/// <summary>The JSON of the admin side. What comes in must be exactly of the documented shape.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    AllowDuplicateProperties = false,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    MaxDepth = MaxDepth,
    UseStringEnumConverter = true)]
[JsonSerializable(typeof(InvitationRequest))]
[JsonSerializable(typeof(InvitationView))]
[JsonSerializable(typeof(Page<InvitationView>))]
[JsonSerializable(typeof(DeviceSummary))]
[JsonSerializable(typeof(DeviceView))]
[JsonSerializable(typeof(Page<DeviceSummary>))]
[JsonSerializable(typeof(CommandAccepted))]
[JsonSerializable(typeof(CommandView))]
[JsonSerializable(typeof(CommandTypeView))]
[JsonSerializable(typeof(Page<CommandTypeView>))]
[JsonSerializable(typeof(Page<PayloadTypeView>))]
[JsonSerializable(typeof(Page<CommandSummary>))]
[JsonSerializable(typeof(PushRequested))]
[JsonSerializable(typeof(OperationRequest))]
[JsonSerializable(typeof(OperationStarted))]
[JsonSerializable(typeof(OperationSummary))]
[JsonSerializable(typeof(OperationView))]
[JsonSerializable(typeof(Page<OperationSummary>))]
[JsonSerializable(typeof(OperationTargetView))]
[JsonSerializable(typeof(Page<OperationDeviceView>))]
[JsonSerializable(typeof(TokenRequest))]
[JsonSerializable(typeof(TokenMade))]
[JsonSerializable(typeof(TokenView))]
[JsonSerializable(typeof(Page<TokenView>))]
[JsonSerializable(typeof(TokenDetailView))]
[JsonSerializable(typeof(AuditView))]
[JsonSerializable(typeof(Page<AuditView>))]
[JsonSerializable(typeof(StatusView))]
[JsonSerializable(typeof(InventoryListView))]
[JsonSerializable(typeof(ClaimRequest))]
[JsonSerializable(typeof(ClaimView))]
[JsonSerializable(typeof(Page<ClaimView>))]
[JsonSerializable(typeof(DeviceReenrolmentRequest))]
[JsonSerializable(typeof(ReenrolmentRequest))]
[JsonSerializable(typeof(ReenrolmentView))]
[JsonSerializable(typeof(RenewalView))]
[JsonSerializable(typeof(Page<RenewalView>))]
[JsonSerializable(typeof(RenewalRequested))]
[JsonSerializable(typeof(PlaceholderRequest))]
[JsonSerializable(typeof(PlaceholderView))]
[JsonSerializable(typeof(Page<PlaceholderView>))]
[JsonSerializable(typeof(ImportResult))]
[JsonSerializable(typeof(Page<SharedSerialView>))]
internal sealed partial class AdminJson : JsonSerializerContext
{
    /// <summary>Commands nest a few levels; nobody needs more than this.</summary>
    public const int MaxDepth = 32;
}

/// <summary>One page of a list.</summary>
/// <param name="Items">What is on it.</param>
/// <param name="Next">For the next page's <c>after</c>; null on the last page.</param>
public sealed record Page<T>(IReadOnlyList<T> Items, string? Next);

internal static class Page
{
    public const int DefaultLimit = 100;
    public const int MostLimit = 1000;

    public static int Limit(string? limit) => Text.Number("limit", limit, 1, MostLimit, DefaultLimit);

    /// <summary>Of rows of which one more than fits was read.</summary>
    public static Page<TView> Of<TRow, TView>(IReadOnlyList<TRow> rows, int limit, Func<TRow, TView> view, Func<TRow, string> cursor) =>
        new([.. rows.Take(limit).Select(view)], rows.Count > limit ? cursor(rows[limit - 1]) : null);
}
