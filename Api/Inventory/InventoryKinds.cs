using System.Text;
using FleetMdm.Protocol.Catalogue;
using FleetMdm.Protocol.Mdm;
using FleetMdm.Storage.Inventory;

namespace FleetMdm.Api.Inventory;

/// <summary>One list, as it is named outside.</summary>
/// <param name="Path">In addresses.</param>
/// <param name="Words">On pages.</param>
/// <param name="RequestType">The command that asks for it.</param>
/// <param name="Key">What the key of an item is.</param>
/// <param name="Value">What the value of an item is; null: items have none.</param>
/// <param name="Tab">Of the iPad's page: the path of the list that the tab opens with.</param>
public sealed record InventoryKindView(InventoryList List, string Path, string Words, string RequestType, string Key, string? Value, string Tab)
{
    /// <summary>Asks for all of it; of restrictions also which profiles want them.</summary>
    public BuiltCommand Question { get; } = CommandCatalogue.FromPlist(Encoding.UTF8.GetBytes(
        $"<dict><key>RequestType</key><string>{RequestType}</string>{(List == InventoryList.Restrictions ? "<key>ProfileRestrictions</key><true/>" : "")}</dict>"));

    public bool IsForAdministrators => List == InventoryList.Location;
}

internal static class InventoryKinds
{
    public static readonly IReadOnlyList<InventoryKindView> All =
    [
        new(InventoryList.Apps, "apps", "Apps", "InstalledApplicationList", "Identifier", "Version", "apps"),
        new(InventoryList.ManagedApps, "managed-apps", "Managed apps", "ManagedApplicationList", "Identifier", "State", "apps"),
        new(InventoryList.Profiles, "profiles", "Profiles", "ProfileList", "Identifier", "Version", "profiles"),
        new(InventoryList.Certificates, "certificates", "Certificates", "CertificateList", "SHA-256", null, "certificates"),
        new(InventoryList.ProvisioningProfiles, "provisioning-profiles", "Provisioning profiles", "ProvisioningProfileList", "UUID", null, "profiles"),
        new(InventoryList.Security, "security", "Security", "SecurityInfo", "Setting", "Value", "security"),
        new(InventoryList.Restrictions, "restrictions", "Restrictions", "Restrictions", "Restriction", "Value", "security"),
        new(InventoryList.Users, "users", "Users", "UserList", "User name", null, "security"),
        new(InventoryList.Location, "location", "Location", "DeviceLocation", "", null, "security"),
    ];

    public static InventoryKindView Of(InventoryList list) => All.First(kind => kind.List == list);
}
