namespace FleetMdm.Storage.Inventory;

/// <summary>What iPads have on them, as they last said. It is written with the answers of the iPads (<see cref="Devices.QueueFinish.Inventory"/>) and
/// with changes of their enrolments (<see cref="Devices.EnrolmentChange.Inventory"/>), and only read here.</summary>
public interface IInventoryStore
{
    /// <summary>The lists that this iPad has told since it enrolled.</summary>
    Task<IReadOnlyList<InventoryListRow>> FindLists(string deviceId);

    /// <summary>The items of a list in order of their keys, after <paramref name="after"/>.</summary>
    Task<IReadOnlyList<InventoryItem>> ListItems(string deviceId, InventoryList list, string? after, int limit);

    /// <summary>The keys of a list alone.</summary>
    Task<IReadOnlySet<string>> ListKeys(string deviceId, InventoryList list);

    /// <summary>Writes down when this iPad is next to be asked about itself (<see cref="Devices.DeviceRow.RefreshAt"/>).</summary>
    Task Schedule(string deviceId, DateTimeOffset refreshAt);

    /// <summary>Forgets the inventory of enrolments that ended before this time.</summary>
    /// <returns>Of how many; fewer than <paramref name="limit"/>: there are no more.</returns>
    Task<int> ForgetEnded(DateTimeOffset endedBefore, int limit);
}
