using System.Text.Json;
using FleetMdm.Api.Devices;
using FleetMdm.Protocol.Declarations;
using FleetMdm.Storage.Declarations;
using FleetMdm.Storage.Devices;

namespace FleetMdm.Api.Declarations;

/// <summary>Reads what an iPad has by declarations, for REST and for the page.</summary>
internal sealed class DeclarationService(IDeclarationStore store, DeviceLookup lookup)
{
    private const int IdLength = 36;

    public async Task<DeviceDeclarationsView> Of(string id)
    {
        var row = await lookup.Row(id);
        var device = await store.Find(row.Id);
        // What an earlier enrolment had is not there any more.
        if (device is not null && (row.Status != EnrolmentStatus.Enrolled || device.EnrolledAt != row.EnrolledAt)) device = null;
        var status = DeviceStatus.Read(device?.Status);
        var wanted = device is null || device.Wanted == DeclarationSet.EmptyToken ? DeclarationSet.Empty
            : await store.LoadSet(device.Wanted) is { } set ? DeclarationSet.Read(set) : DeclarationSet.Empty;
        return new DeviceDeclarationsView
        {
            Token = device?.Wanted,
            TokenSince = device?.WantedAt,
            Fetched = device is not null && device.Fetched == device.Wanted,
            FetchedAt = device?.FetchedAt,
            AskedAt = device?.AskedAt,
            CommandUuid = device?.CommandUuid,
            ReportedAt = device?.ReportedAt,
            Items =
            [
                .. wanted.Declarations.Select(one => Of(one, status.Find(DeviceStatus.ListOf(one.Kind), one.Identifier))),
                .. status.Declarations.Where(one => !wanted.Declarations.Any(other => DeviceStatus.ListOf(other.Kind) == one.Kind && other.Identifier == one.Identifier)).Select(Leaving),
            ],
            StatusItems = [.. status.Items.Where(item => item.Key != StatusReport.Capabilities).Select(item => new StatusItemView(item.Key, Json(item.Value)))],
            Errors = [.. status.Errors.Select(one => new StatusErrorView(one.Item, Reasons(one.Reasons)))],
        };
    }

    private static DeclarationView Of(Declaration one, DeclarationState? told)
    {
        var current = told is not null && told.ServerToken == one.ServerToken;
        var (state, words) = told switch
        {
            null => ("waiting", "The iPad has not said anything of it yet."),
            _ when !current => ("older", "The iPad still has an older version of it."),
            { HasFailed: true } => ("failed", StatusWords.Sentence(told) ?? "The iPad refused it, and did not say why."),
            { IsInForce: true } => ("inForce", StatusWords.Sentence(told) ?? "It is in force."),
            { Valid: "valid" } => ("inactive", $"It is on the iPad, and not in force. {StatusWords.Sentence(told)}".TrimEnd()),
            _ => ("waiting", "The iPad has it, and has not looked at it yet."),
        };
        return new DeclarationView
        {
            Kind = KindOf(one.Kind),
            Identifier = one.Identifier,
            Type = one.Type,
            ServerToken = one.ServerToken,
            AssignmentId = one.Identifier.Length >= IdLength && Guid.TryParseExact(one.Identifier[..IdLength], "D", out _) ? one.Identifier[..IdLength] : null,
            State = state,
            Words = words,
            Active = told?.Active,
            Valid = told?.Valid,
            Reasons = Reasons(told?.Reasons ?? []),
        };
    }

    private static DeclarationView Leaving(DeclarationState told) => new()
    {
        Kind = told.Kind switch
        {
            "activations" => "activation",
            "configurations" => "configuration",
            "assets" => "asset",
            _ => "management",
        },
        Identifier = told.Identifier,
        State = "leaving",
        Words = "It is declared no more. The iPad has not said that it is gone.",
        Active = told.Active,
        Valid = told.Valid,
        Reasons = Reasons(told.Reasons),
    };

    private static IReadOnlyList<StatusReasonView> Reasons(IReadOnlyList<StatusReason> reasons) => [.. reasons.Select(reason => new StatusReasonView(reason.Code, StatusWords.Sentence(reason)))];

    private static string KindOf(DeclarationKind kind) => JsonNamingPolicy.CamelCase.ConvertName(kind.ToString());

    private static JsonElement Json(string value)
    {
        using var document = JsonDocument.Parse(value);
        return document.RootElement.Clone();
    }
}
