using System.Reflection;
using System.Xml.Linq;

namespace FleetMdm.Architecture.Tests;

/// <summary>The floors of the house: nothing refers upwards, and nobody skips the ports.</summary>
public sealed class FloorTests
{
    /// <summary>What each project may refer to, of ours. Silo stands on all; the virtual fleet on none of them.</summary>
    private static readonly Dictionary<string, string[]> Floors = new()
    {
        ["Protocol"] = [],
        ["Grains.Interfaces"] = [],
        ["Storage"] = [],
        ["Grains"] = ["Protocol", "Grains.Interfaces", "Storage"],
        ["Api"] = ["Protocol", "Grains.Interfaces", "Storage"],
        ["VirtualFleet"] = [],
        ["Silo"] = ["Grains", "Api", "Protocol", "Grains.Interfaces", "Storage", "VirtualFleet"],
    };

    /// <summary>Libraries that only one floor may know.</summary>
    private static readonly Dictionary<string, string[]> Strangers = new()
    {
        ["Protocol"] = ["Orleans", "Microsoft.AspNetCore", "Npgsql", "Microsoft.Data.Sqlite"],
        ["Storage"] = ["Orleans"],
        ["Grains"] = ["Npgsql", "Microsoft.Data.Sqlite"],
        ["Api"] = ["Npgsql", "Microsoft.Data.Sqlite"],
    };

    public static TheoryData<string> Projects => [.. Floors.Keys];

    public static TheoryData<string> ProjectsWithStrangers => [.. Strangers.Keys];

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_project_refers_only_to_the_floors_below_it(string project)
    {
        var ours = References(project).Where(name => name.StartsWith("FleetMdm.", StringComparison.Ordinal)).Select(name => name["FleetMdm.".Length..]);
        Assert.Empty(ours.Except(Floors[project]));
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_project_file_declares_no_floor_that_it_may_not_use(string project)
    {
        var file = XDocument.Load(Directory.EnumerateFiles(Root(), $"{project}.csproj", SearchOption.AllDirectories).Single());
        var declared = file.Descendants("ProjectReference").Select(reference => Path.GetFileNameWithoutExtension(reference.Attribute("Include")!.Value.Replace('\\', '/')));
        Assert.Empty(declared.Except(Floors[project]));
    }

    [Theory]
    [MemberData(nameof(ProjectsWithStrangers))]
    public void A_project_does_not_know_the_libraries_of_another_floor(string project)
    {
        var known = References(project).Where(name => Strangers[project].Any(stranger => name.StartsWith(stranger, StringComparison.Ordinal)));
        Assert.Empty(known);
    }

    [Fact]
    public void No_file_of_the_product_is_longer_than_two_ideas()
    {
        // Past 400 lines a file is asked whether it holds two ideas; past 700 it does.
        var tooLong = Floors.Keys
            .SelectMany(project => Directory.EnumerateFiles(Path.Combine(Root(), project is "VirtualFleet" ? "loadtests/VirtualFleet" : project), "*.cs", SearchOption.AllDirectories))
            .Where(file => !file.Contains("/obj/") && !file.Contains("/bin/"))
            .Where(file => File.ReadLines(file).Count() > 700);
        Assert.Empty(tooLong);
    }

    private static IEnumerable<string> References(string project) =>
        Assembly.Load($"FleetMdm.{project}").GetReferencedAssemblies().Select(reference => reference.Name!);

    internal static string Root()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "FleetMdm.sln"))) return folder.FullName;
        }

        throw new InvalidOperationException("The test does not run inside the repository.");
    }
}
