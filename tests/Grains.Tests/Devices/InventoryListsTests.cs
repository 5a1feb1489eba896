using CsCheck;
using FleetMdm.Grains.Devices;
using FleetMdm.Protocol.Inventory;
using FleetMdm.Storage.Inventory;

namespace FleetMdm.Grains.Tests.Devices;

/// <summary>From one list to the next, without a store.</summary>
public sealed class InventoryListsTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 2, 8, 0, 0, TimeSpan.Zero);
    private static readonly Guid Before = new("11111111-2222-3333-4444-555555555555");
    private static readonly Guid After = new("21111111-2222-3333-4444-555555555555");

    /// <summary>Few keys and few values, so that lists meet.</summary>
    private static readonly Gen<InventoryEntry[]> Lists = Gen.Select(Gen.Int[0, 9], Gen.Int[0, 2]).Array[0, 12].Select(pairs =>
        pairs.DistinctBy(pair => pair.Item1)
            .Select(pair => new InventoryEntry($"key{pair.Item1}", null, $"v{pair.Item2}", pair.Item2 == 0 ? Now.AddTicks(12345) : null, "{}")).ToArray());

    private static InventoryDifference Difference(Guid? before, IReadOnlyList<InventoryItem> stored, InventoryEntry[] told) =>
        InventoryLists.Difference(InventoryList.Apps, before, stored, new InventoryAnswer(told, Cut: false), After, Now).Difference!;

    private static SortedDictionary<string, InventoryItem> Apply(IEnumerable<InventoryItem> stored, InventoryDifference difference)
    {
        var items = new SortedDictionary<string, InventoryItem>(stored.ToDictionary(item => item.Key), StringComparer.Ordinal);
        foreach (var key in difference.Dropped) items.Remove(key);
        foreach (var item in difference.Put) items[item.Key] = item;
        return items;
    }

    [Fact]
    public void What_is_stored_becomes_what_was_told_and_nothing_else_is_written() => Gen.Select(Lists, Lists).Sample((first, second) =>
    {
        var stored = Apply([], Difference(null, [], first)).Values.ToList();
        var difference = Difference(Before, stored, second);

        Assert.Equal(Apply([], Difference(null, [], second)).Values, Apply(stored, difference).Values);
        Assert.DoesNotContain(difference.Put, stored.Contains);
        Assert.Equal(first.Select(one => one.Key).Except(second.Select(one => one.Key)).Order(), difference.Dropped.Order());
        Assert.Equal(second.Length, difference.Items);
        Assert.False(Difference(Before, stored, [.. first.Reverse()]).IsNews);
    });

    [Fact]
    public void Every_list_has_a_command_that_asks_for_it()
    {
        string[] commands = ["InstalledApplicationList", "ManagedApplicationList", "ProfileList", "CertificateList", "ProvisioningProfileList", "SecurityInfo", "Restrictions", "UserList", "DeviceLocation"];
        Assert.Equal(Enum.GetValues<InventoryList>(), commands.Select(command => InventoryLists.Of(command)!.Value).Order());
        Assert.Null(InventoryLists.Of("DeviceInformation"));
        Assert.True(InventoryLists.EndsLostMode("DisableLostMode"));
    }
}
