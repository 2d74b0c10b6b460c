// The job of quickstart.py in C++: make a small table, read it, join, group, show, write, read
// back.
//
//   cmake --install build --prefix PREFIX
//   cmake -S examples/cpp -B build/quickstart -DCMAKE_PREFIX_PATH=PREFIX
//   cmake --build build/quickstart && build/quickstart/quickstart FOLDER

#include <smallpond/smallpond.h>

#include <iostream>
#include <string>

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: quickstart FOLDER\n";
    return 2;
  }
  std::string folder = argv[1];
  try {
    auto sp = smallpond::Session::Init();
    sp.Sql(
          "SELECT CASE WHEN i % 3 = 0 THEN 'Oslo' ELSE 'Lima' END AS city, i AS minutes "
          "FROM range(3000) t(i)")
        .WriteParquet(folder + "/visits");

    auto visits = sp.ReadParquet({folder + "/visits"});
    auto cities = sp.Sql("VALUES ('Oslo', 'Norway'), ('Lima', 'Peru')");
    auto by_country = sp.Sql(
        "SELECT country, count(*) AS visits, avg(minutes) AS mean_minutes "
        "FROM visits JOIN {0} AS cities(city, country) USING (city) "
        "GROUP BY country ORDER BY country",
        {.positional = {cities}, .named = {{"visits", visits}}});
    std::cout << by_country.ToText();

    by_country.WriteParquet(folder + "/by_country");
    std::cout << sp.ReadParquet({folder + "/by_country"}).Count() << " rows written\n";
  } catch (const smallpond::Error& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
  return 0;
}
