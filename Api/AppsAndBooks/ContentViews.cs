using System.Text.Json;
using FleetMdm.Storage.AppsAndBooks;

namespace FleetMdm.Api.AppsAndBooks;

public sealed record ContentTokenRequest
{
    /// <summary>The content token of a location, as the file from Apple School Manager has it.</summary>
    public required string Token { get; init; }

    /// <summary>Without it.</summary>
    public override string ToString() => "ContentTokenRequest";
}

/// <summary>What stands in the way of a location.</summary>
/// <param name="Code">A stable name, as in tokenExpired.</param>
/// <param name="Words">What it is, and what to do.</param>
/// <param name="Since">Since when.</param>
public sealed record ContentProblemView(string Code, string Words, DateTimeOffset? Since);

/// <summary>Who manages a location, as Apple says.</summary>
/// <param name="Ours">This server does, and an administrator wanted it.</param>
/// <param name="By">The name of whoever has claimed it at Apple; null: nobody.</param>
/// <param name="ClaimedAt">When an administrator claimed it for this server.</param>
/// <param name="Notifies">Apple sends notifications to this server.</param>
public sealed record ContentClaimView(bool Ours, string? By, DateTimeOffset? ClaimedAt, string? ClaimedBy, bool Notifies);

/// <summary>A location of Apps and Books.</summary>
public sealed record ContentLocationView
{
    public required string Id { get; init; }
    /// <summary>As it is called in Apple School Manager.</summary>
    public required string Name { get; init; }
    public required string Uid { get; init; }
    public string? Organization { get; init; }
    /// <summary>Two letters: whose App Store it is.</summary>
    public string? Country { get; init; }
    public required DateTimeOffset TokenExpiresAt { get; init; }
    /// <summary>Whole days; 0 when it has ended.</summary>
    public required int TokenDaysLeft { get; init; }
    public required DateTimeOffset TokenUploadedAt { get; init; }
    public required string TokenUploadedBy { get; init; }
    public required ContentClaimView Claim { get; init; }
    public ContentProblemView? Problem { get; init; }
    /// <summary>How many apps and books it owns.</summary>
    public required long Apps { get; init; }
    /// <summary>Those of which fewer licences are left than are wanted.</summary>
    public required long Short { get; init; }
    /// <summary>Licences that iPads wait for.</summary>
    public required long Waiting { get; init; }
    /// <summary>When Apple last said what it owns.</summary>
    public DateTimeOffset? SyncedAt { get; init; }
    public DateTimeOffset? NotifiedAt { get; init; }
    public DateTimeOffset? NextAt { get; init; }
    /// <summary>Apple is being asked at this moment.</summary>
    public required bool Working { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
}

/// <summary>An app or a book that a location owns.</summary>
public sealed record ContentAssetView
{
    public required string LocationId { get; init; }
    public required string Location { get; init; }
    /// <summary>Its number in the App Store.</summary>
    public required string AdamId { get; init; }
    /// <summary>STDQ, or PLUS for licences that can be redeemed.</summary>
    public required string Pricing { get; init; }
    /// <summary>null: the App Store does not say; it may have been withdrawn.</summary>
    public string? Name { get; init; }
    public string? BundleId { get; init; }
    /// <summary>App or Book.</summary>
    public required string ProductType { get; init; }
    /// <summary>False: only people can have it, and iPads cannot.</summary>
    public required bool DeviceAssignable { get; init; }
    public required long Total { get; init; }
    public required long Assigned { get; init; }
    public required long Available { get; init; }
    /// <summary>iPads that wait for a licence.</summary>
    public required long Wanted { get; init; }
    /// <summary>How many licences are missing for them.</summary>
    public required long Missing { get; init; }
    public required DateTimeOffset CountedAt { get; init; }

    /// <summary>For a choice in a form.</summary>
    internal string Shown => Name ?? $"App {AdamId}, not in the store any more";

    internal static ContentAssetView Of(ContentAssetRow row) => new()
    {
        LocationId = row.LocationId,
        Location = row.Location,
        AdamId = row.Asset.AdamId,
        Pricing = row.Asset.Pricing,
        Name = row.Asset.Name,
        BundleId = row.Asset.BundleId,
        ProductType = row.Asset.ProductType,
        DeviceAssignable = row.Asset.DeviceAssignable,
        Total = row.Asset.Total,
        Assigned = row.Asset.Assigned,
        Available = row.Asset.Available,
        Wanted = row.Wanted,
        Missing = row.Missing,
        CountedAt = row.Asset.CountedAt,
    };
}

/// <summary>The licence of an iPad.</summary>
public sealed record ContentLicenceView
{
    public required string AdamId { get; init; }
    public required string Pricing { get; init; }
    public string? Name { get; init; }
    public required string SerialNumber { get; init; }
    /// <summary>The enrolled iPad with this serial number; null: none is.</summary>
    public string? DeviceId { get; init; }
    public string? DeviceName { get; init; }
    /// <summary>wanted, asked, held, leaving or returning.</summary>
    public required string State { get; init; }
    /// <summary>An assignment of this server wants it, or did. False: it was given in Apple School Manager, or by another server.</summary>
    public required bool Ours { get; init; }
    /// <summary>Why it waits.</summary>
    public string? Reason { get; init; }
    public DateTimeOffset? NextAt { get; init; }
    public required DateTimeOffset Since { get; init; }

    internal static ContentLicenceView Of(ContentLicenceRow row) => new()
    {
        AdamId = row.Licence.AdamId,
        Pricing = row.Licence.Pricing,
        Name = row.Name,
        SerialNumber = row.Licence.SerialNumber,
        DeviceId = row.DeviceId,
        DeviceName = row.DeviceName,
        State = ContentShown.State(row.Licence.State),
        Ours = row.Licence.Ours,
        Reason = row.Licence.Reason,
        NextAt = row.Licence.NextAt,
        Since = row.Licence.ChangedAt,
    };
}

internal static class ContentShown
{
    public static readonly IReadOnlyList<(string Value, string Words)> States =
        [("wanted", "Waits"), ("asked", "Apple gives it"), ("held", "Has it"), ("leaving", "To be given back"), ("returning", "Being given back")];

    public static string State(LicenceState state) => JsonNamingPolicy.CamelCase.ConvertName(state.ToString());

    public static string Words(string state) => States.FirstOrDefault(one => one.Value == state).Words ?? state;

    public static LicenceState? ReadState(string? text) => Enum.GetValues<LicenceState>().Where(state => State(state) == text).Cast<LicenceState?>().FirstOrDefault();
}
