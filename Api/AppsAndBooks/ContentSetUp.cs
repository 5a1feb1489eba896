using FleetMdm.Api.Access;
using FleetMdm.Api.SetUp;
using FleetMdm.Storage.AppsAndBooks;

namespace FleetMdm.Api.AppsAndBooks;

/// <summary>Apps arrive without anybody signing in to the App Store.</summary>
internal sealed class ContentSetUp(IContentStore store) : ISetUp
{
    private const int Order = 60;

    public async Task<IReadOnlyList<SetUpStep>> Find(FleetUser reader)
    {
        if (!reader.IsOfDistrict || !reader.May(Rights.AutomatedRead)) return [];
        var rows = await store.ListLocations(reader.Scope);
        if (rows.Count == 0) return [Step(SetUpStep.Optional, "Without it, only apps of your own arrive by themselves. It needs Apple School Manager, free apps too.", "/apps-and-books/locations")];
        foreach (var (location, _, _, _) in rows)
        {
            var path = $"/apps-and-books/locations/{location.Id}";
            if (location.Problem != ContentProblem.None) return [Step(SetUpStep.Look, $"{location.Name}: {location.ProblemDetail}", path)];
            if (location.ClaimedAt is null) return [Step(SetUpStep.ToDo, $"{location.Name} is not claimed for this server. Its page does it.", path)];
        }

        return [Step(SetUpStep.Done, rows.Count == 1 ? "One location is claimed for this server." : $"{rows.Count} locations are claimed for this server.", "/apps-and-books")];
    }

    private static SetUpStep Step(string state, string detail, string path) =>
        new() { Order = Order, Id = "apps-and-books", Title = "Bring in the apps that the district has licences of", State = state, Detail = detail, Path = path };
}
